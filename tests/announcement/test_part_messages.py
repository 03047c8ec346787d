"""The forms for contributions and concerns, the details view, and messages with concerns."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import details_page, part_messages
from bot.announcement.concern_answer_form import answer_message
from bot.phases.model import Phase
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from bot.slack.content import Content
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST, participant
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, LAUNCH

WITH_CONTRIBUTIONS = replace(
    SPRINT,
    people=(
        participant(ANA),
        participant(BEN, contribution="I carry the importer."),
        participant(CHIARA),
        participant(DEV, contribution=HOSTILE),
        participant(EMI, contribution="I was here.", has_left=True),
    ),
)
DETAILS = {"sprint": SPRINT, "trust": TRUST, "with contributions": WITH_CONTRIBUTIONS}


def concerns_of(texts: Sequence[str]) -> list[Content]:
    by_answer = {f"{number:016x}": text for number, text in enumerate(texts)}
    return part_messages.concerns_for_leads(SPRINT, by_answer)


@pytest.mark.parametrize("name", DETAILS)
def test_details_match_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = details_page.build(DETAILS[name], TODAY).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_forms_match_snapshot(snapshot: SnapshotAssertion) -> None:
    forms = [
        part_messages.contribution_form(WITH_CONTRIBUTIONS, BEN),
        part_messages.concern_form(WITH_CONTRIBUTIONS),
        part_messages.concern_received(WITH_CONTRIBUTIONS),
    ]
    views = [form.to_dict() for form in forms]
    assert [check_view(view) for view in views] == [[], [], []]

    assert views == snapshot.use_extension(JSONSnapshotExtension)


def test_details_omit_members_who_wrote_nothing_or_left() -> None:
    view = str(details_page.build(WITH_CONTRIBUTIONS, TODAY).to_dict())

    assert "• Ben: I carry the importer." in view
    assert "• Chiara" not in view
    assert "• Emi" not in view


def test_contribution_form_round_trips() -> None:
    view = part_messages.contribution_form(WITH_CONTRIBUTIONS, BEN).to_dict()
    values = state_values(view["blocks"], {})

    assert part_messages.submitted_text(values, part_messages.PART_BLOCK) == "I carry the importer."


def test_concerns_message_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    (message,) = concerns_of(["First\nsecond line", HOSTILE])
    assert check_blocks(message.blocks, "message") == []
    assert "<!channel>" not in str(message.blocks)

    assert message.blocks == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("filler", ["&", "x", "*", "y\n", "some words ", "日本"])
@pytest.mark.parametrize("count", [1, 4, 6, 30])
def test_every_character_of_many_long_concerns_is_delivered(filler: str, count: int) -> None:
    texts = [(f"{n:02}" + filler * 3_000)[:3_000] for n in range(count)]
    messages = concerns_of(texts)

    assert [check_blocks(one.blocks, "message") for one in messages] == [[]] * len(messages)
    sections = [
        b["text"]["text"] for one in messages for b in one.blocks[1:] if b["type"] == "section"
    ]
    plain = "\n".join(sections).replace("\u2060", "").replace("\n>", "").replace(">", "", 1)
    read = plain.replace("&amp;", "&")
    assert read.replace("\n", "") == "".join(texts).replace("\n", "")


def test_messages_with_concerns_are_numbered_if_there_are_several() -> None:
    texts = ["x" * 3_000] * 6
    messages = concerns_of(texts)

    assert [one.text for one in messages] == ["6 concerns from your team, without names"] * 2
    heads = [one.blocks[0]["text"]["text"] for one in messages]
    assert heads == [
        f"*6 concerns from your team, without names*, about <#{LAUNCH}>. Message {n} of 2."
        for n in (1, 2)
    ]
    assert all(one.blocks[-1]["elements"][0]["text"] == part_messages.WHY for one in messages)


def test_concern_that_fits_one_message_is_not_split() -> None:
    texts = ["x " * 1_500] * 6
    messages = concerns_of(texts)

    for one in messages:
        letters = str(one.blocks).count("x ")
        assert letters % 1_500 <= 1 or letters >= 1_500
        assert letters // 1_500 == sum(block["type"] == "divider" for block in one.blocks)


def test_details_of_a_large_and_hostile_team_fit() -> None:
    people = tuple(participant(BEN, name="&" * 80, contribution="&" * 240) for _ in range(40))
    phase: Phase = replace(SPRINT, people=(participant(ANA), *people))

    assert check_view(details_page.build(phase, TODAY).to_dict()) == []


def test_answer_to_a_concern_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    message = answer_message("Ana", "My mistake.\nFrom now on I ask before Thursday.")
    assert check_blocks(message.blocks, "message") == []

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)
