"""The lines about what the leads count on each person for: forms, messages and pages."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import expectation_forms
from bot.phases.expectation import counted_on_line, expectation_blocks
from bot.phases.model import ExpectationReply
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from tests.announcement.phases import HOSTILE, SPRINT, STORED_HOSTILE, participant
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN

LINES = {
    BEN: {"expectation": HOSTILE, "expectation_reply": ExpectationReply.TOO_MUCH},
    CHIARA: {"expectation": "Reviews.", "expectation_reply": ExpectationReply.FITS},
}
BEN_WITH_LINE = participant(BEN, **LINES[BEN])
PHASE = replace(
    SPRINT,
    people=tuple(participant(user_id, **LINES.get(user_id, {})) for user_id in (ANA, BEN, CHIARA)),
)
LEADS = {"one": (ANA,), "two": (ANA, DEV), "three": (ANA, DEV, EMI)}


def test_lines_form_matches_snapshot_and_round_trips(snapshot: SnapshotAssertion) -> None:
    view = expectation_forms.build(PHASE).to_dict()
    assert check_view(view) == []

    assert expectation_forms.parse(state_values(view["blocks"], {})) == {
        BEN: STORED_HOSTILE,
        CHIARA: "Reviews.",
    }
    assert view == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("reply", [ExpectationReply.CHANGE, ExpectationReply.TOO_MUCH])
def test_reply_form_and_message_match_snapshot(
    reply: ExpectationReply, snapshot: SnapshotAssertion
) -> None:
    form = expectation_forms.reply_form(PHASE, BEN_WITH_LINE, reply).to_dict()
    message = expectation_forms.reply_to_leads(PHASE, BEN_WITH_LINE, reply, f"One\n{HOSTILE}")
    assert check_view(form) == []
    assert check_blocks(message.blocks, "message") == []

    shown = {"form": form, "text": message.text, "blocks": message.blocks}
    assert shown == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize(
    ("leads", "line"),
    [
        ("one", "*Ana counts on you for:*"),
        ("two", "*Ana and Dev count on you for:*"),
        ("three", "*The leads count on you for:*"),
    ],
)
def test_line_names_one_or_two_leads_and_sums_up_more(leads: str, line: str) -> None:
    people = tuple(participant(user_id, is_lead=True) for user_id in LEADS[leads])
    phase = replace(PHASE, people=(*people, BEN_WITH_LINE))

    assert (counted_on_line(phase, BEN_WITH_LINE) or "").splitlines()[0] == line


def test_nobody_without_a_line_gets_buttons() -> None:
    assert counted_on_line(PHASE, participant(FINN)) is None
    assert len(expectation_blocks(["Ana"], "The importer", "p1")) == 2
    assert len(expectation_blocks(["Ana"], "The importer", "p1", has_replied=True)) == 1


@pytest.mark.parametrize(
    ("members", "page", "shown", "following"),
    [
        (6, "0", 6, None),
        (7, "0", 6, "1"),
        (7, "1", 1, None),
        (12, "1", 6, None),
        (13, "1", 6, "2"),
        (7, "U003", 1, None),
        (7, "9", 0, None),
    ],
)
def test_six_members_are_on_a_page(
    members: int, page: str, shown: int, following: str | None
) -> None:
    people = tuple(replace(participant(BEN), user_id=f"U{number:03}") for number in range(members))
    phase = replace(PHASE, people=(participant(ANA), *people))

    assert len(expectation_forms.members_on(phase, page)) == shown
    assert expectation_forms.page_after(phase, page) == following
