"""Views of App Home, the help message and the form for a message link."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.home import held_messages
from bot.home.help import SUBCOMMANDS, help_message, unknown_message
from bot.home.model import HeldMessage, HomeContents, PhaseSummary
from bot.home.view import INLINE, build
from bot.phases.rules import PhaseKind
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.rounds.answer_changes import NOTHING_YET, Progress
from bot.rounds.model import OpenQuestionnaire
from tests.rounds.test_messages import ASKING

LINE = PhaseSummary(
    phase_id="p" * 32,
    channel_id="C0LAUNCH",
    kind=PhaseKind.RESULTS_SPRINT,
    title="🏁 Results sprint until Fri 18 Dec: ship the beta",
    status_line="14 days left · led by Ana",
    ends_on=date(2026, 12, 18),
    is_lead=False,
    is_member=True,
    has_opted_out=False,
)
OPEN = OpenQuestionnaire(questionnaire=ASKING, progress=NOTHING_YET)
ANSWERED = OpenQuestionnaire(
    questionnaire=ASKING, progress=Progress(answered=frozenset({"clarity", "trust", "ego"}))
)
HALF_ANSWERED = replace(OPEN, progress=Progress(answered=frozenset({"trust"})))
TO_LEAD = OpenQuestionnaire(questionnaire=replace(ASKING, to_lead=True), progress=NOTHING_YET)
HELD = HeldMessage(
    message_id="e" * 32,
    description="the announcement of a phase",
    channel_id="C0LAUNCH",
    due_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
)
SHOWN = {
    "nothing": HomeContents(questions=(), phases=()),
    "a_member": HomeContents(questions=(OPEN,), phases=(LINE,)),
    "half_answered": HomeContents(questions=(HALF_ANSWERED,), phases=()),
    "answered": HomeContents(questions=(ANSWERED,), phases=(replace(LINE, has_opted_out=True),)),
    "a_lead": HomeContents(questions=(TO_LEAD,), phases=(replace(LINE, is_lead=True),)),
    "an_admin": HomeContents(
        questions=(),
        phases=(),
        held=(HELD, replace(HELD, channel_id=None, description="the questions to a member")),
        held_count=5,
    ),
    "not_in_the_team": HomeContents(questions=(), phases=(replace(LINE, is_member=False),)),
}


@pytest.mark.parametrize("name", SHOWN)
def test_home_view_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = build(SHOWN[name]).to_dict()

    assert view == snapshot(extension_class=JSONSnapshotExtension)
    assert check_view(view) == []


def test_questions_beyond_the_inline_limit_are_buttons() -> None:
    many = tuple(
        replace(OPEN, questionnaire=replace(ASKING, round_id=f"{number:032}"))
        for number in range(8)
    )
    lines = tuple(replace(LINE, phase_id=f"{number:032}") for number in range(30))
    view = build(HomeContents(questions=many, phases=lines)).to_dict()

    taps = [block for block in view["blocks"] if str(block.get("block_id")).startswith("answer:")]
    assert len(taps) == INLINE * 3
    assert check_view(view) == []


def test_help_message_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    message = help_message()

    assert message.blocks == snapshot(extension_class=JSONSnapshotExtension)
    assert check_blocks(message.blocks, "message") == []
    assert all(f"/imbalance {name}`" in str(message.blocks) for name in SUBCOMMANDS)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("strat", "Did you mean `/imbalance start`?"),
        ("statsu", "Did you mean `/imbalance status`?"),
        ("pizza", "`/imbalance help` lists what I can do."),
        ("<!channel>", "&lt;!channel&gt;"),
        ("x" * 500, "…"),
    ],
)
def test_unknown_subcommand_gets_a_suggestion_or_a_pointer_to_help(typed: str, reply: str) -> None:
    message = unknown_message(typed)

    assert reply in str(message.blocks)
    assert message.text.startswith("Nothing was done")
    assert check_blocks(message.blocks, "message") == []


def test_link_form_matches_snapshot_and_strips_the_link(snapshot: SnapshotAssertion) -> None:
    view = held_messages.build(HELD).to_dict()
    link = "https://example.slack.com/archives/C0LAUNCH/p1763892000123456"

    assert view == snapshot(extension_class=JSONSnapshotExtension)
    assert check_view(view) == []
    assert (
        held_messages.parse({held_messages.LINK: {held_messages.VALUE: {"value": f" {link}\n"}}})
        == link
    )
