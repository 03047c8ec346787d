"""My part, concerns and Details: who reads what, said where it is typed."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import part_messages
from bot.phases.model import Phase
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST, participant
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, LAUNCH

SAID = replace(
    SPRINT,
    people=(
        participant(ANA),
        participant(BEN, contribution="I carry the importer."),
        participant(CHIARA),
        participant(DEV, contribution=HOSTILE),
        participant(EMI, contribution="I was here.", has_left=True),
    ),
)
DETAILS = {"sprint": SPRINT, "trust": TRUST, "with parts, under four": SAID}


@pytest.mark.parametrize("name", DETAILS)
def test_details_are_shown_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    view = part_messages.details(DETAILS[name], TODAY).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_the_forms_are_shown_as_before(snapshot: SnapshotAssertion) -> None:
    forms = [
        part_messages.part_form(SAID, BEN),
        part_messages.concern_form(SAID),
        part_messages.concern_taken(SAID),
    ]
    views = [form.to_dict() for form in forms]
    assert [check_view(view) for view in views] == [[], [], []]

    assert views == snapshot.use_extension(JSONSnapshotExtension)


def test_who_said_nothing_is_not_shown() -> None:
    said = str(part_messages.details(SAID, TODAY).to_dict())

    assert "• Ben: I carry the importer." in said
    assert "• Chiara" not in said
    assert "• Emi" not in said


def test_my_part_gives_back_what_was_put_in() -> None:
    view = part_messages.part_form(SAID, BEN).to_dict()
    values = state_values(view["blocks"], {})

    assert part_messages.typed(values, part_messages.PART_BLOCK) == "I carry the importer."


def test_concerns_are_said_as_before(snapshot: SnapshotAssertion) -> None:
    (said,) = part_messages.concerns_for_leads(LAUNCH, ["First\nsecond line", HOSTILE])
    assert check_blocks(said.blocks, "message") == []
    assert "<!channel>" not in str(said.blocks)

    assert said.blocks == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("sign", ["&", "x", "*", "y\n", "some words ", "日本"])
@pytest.mark.parametrize("count", [1, 4, 6, 30])
def test_every_sign_of_many_long_concerns_is_said(sign: str, count: int) -> None:
    texts = [(f"{n:02}" + sign * 3_000)[:3_000] for n in range(count)]
    said = part_messages.concerns_for_leads(LAUNCH, texts)

    assert [check_blocks(one.blocks, "message") for one in said] == [[]] * len(said)
    sections = [b["text"]["text"] for one in said for b in one.blocks[1:] if b["type"] == "section"]
    plain = "\n".join(sections).replace("\u2060", "").replace("\n>", "").replace(">", "", 1)
    read = plain.replace("&amp;", "&")
    assert read.replace("\n", "") == "".join(texts).replace("\n", "")


def test_concerns_that_need_several_messages_are_counted() -> None:
    texts = ["x" * 3_000] * 6
    said = part_messages.concerns_for_leads(LAUNCH, texts)

    assert [one.text for one in said] == ["6 concerns from your team, without names"] * 2
    heads = [one.blocks[0]["text"]["text"] for one in said]
    assert heads == [
        f"*6 concerns from your team, without names*, about <#{LAUNCH}>. Message {n} of 2."
        for n in (1, 2)
    ]
    assert all(one.blocks[-1]["elements"][0]["text"] == part_messages.WHY for one in said)


def test_a_concern_is_not_divided_where_one_message_can_hold_it() -> None:
    texts = ["x " * 1_500] * 6
    said = part_messages.concerns_for_leads(LAUNCH, texts)

    for one in said:
        letters = str(one.blocks).count("x ")
        assert letters % 1_500 <= 1 or letters >= 1_500
        assert letters // 1_500 == sum(block["type"] == "divider" for block in one.blocks)


def test_details_of_a_large_and_hostile_team_fit() -> None:
    people = tuple(participant(BEN, name="&" * 80, contribution="&" * 240) for _ in range(40))
    phase: Phase = replace(SPRINT, people=(participant(ANA), *people))

    assert check_view(part_messages.details(phase, TODAY).to_dict()) == []
