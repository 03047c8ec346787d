"""What is said at the end of a phase, before it and after, word for word."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.ending import messages
from bot.phases.model import Participant, Phase
from bot.playground.fake_slack.checks import check_blocks
from bot.slack.content import Content, with_picture
from tests.announcement.phases import HOSTILE, SPRINT, TRUST, participant
from tests.ending.ended_phases import (
    ENDED_ON,
    LATER,
    PICTURE,
    WORDS,
    decided,
    hostile,
    long,
    over,
    worded,
)
from tests.harness import ANA, BEN, CHIARA, OWNER

EARLY = datetime(2026, 12, 9, 12, tzinfo=UTC)
LONGER: dict[str, Any] = {"ends_on": date(2026, 12, 23), "extension_reason": "The audit came late."}
AFTER_LONGER: dict[str, Any] = {**LONGER, "ended_at": datetime(2026, 12, 23, 17, tzinfo=UTC)}
FATES = decided(SPRINT, ("parked", date(2027, 1, 11)), ("dropped", None))
NO_LEAD = replace(SPRINT, people=(participant(ANA, has_left=True), participant(BEN)))
CO_LED = replace(SPRINT, people=(participant(ANA), participant(CHIARA, is_lead=True)))
NEWER = replace(over(SPRINT, picture=PICTURE, **WORDS), picture_is_newer=True)

SAID = {
    "closing, sprint by its date": messages.closing(over()),
    "closing, trust by its date": messages.closing(over(TRUST)),
    "closing, sprint wrapped up with picture": messages.closing(
        over(FATES, picture=PICTURE, **WORDS)
    ),
    "closing, trust wrapped up": messages.closing(over(TRUST, **WORDS)),
    "closing, early": messages.closing(over(ended_at=EARLY, **WORDS)),
    "closing, extended": messages.closing(over(**AFTER_LONGER)),
    "closing, nobody leads": messages.closing(over(NO_LEAD)),
    "wrapped up, all as it was": messages.wrapped_up(over(**WORDS), changed=False, today=LATER),
    "wrapped up, decided anew": messages.wrapped_up(
        over(FATES, **WORDS), changed=True, today=LATER
    ),
    "wrapped up, newer results": messages.wrapped_up(NEWER, changed=False, today=LATER),
    "warning, sprint": messages.warning(SPRINT),
    "warning, trust": messages.warning(TRUST),
    "warning, extended once": messages.warning(replace(SPRINT, **LONGER)),
    "asked for a wrap-up": messages.ask_wrap_up(over().phase, date(2026, 12, 22)),
    "asked for a wrap-up, trust": messages.ask_wrap_up(over(TRUST).phase, date(2026, 12, 22)),
    "written": messages.written(over(**WORDS)),
    "written by an admin": messages.written(over(**{**WORDS, "wrapped_up_by": OWNER})),
    "longer, sprint": messages.longer(replace(SPRINT, **LONGER), "Ana"),
    "longer, trust": messages.longer(replace(TRUST, **LONGER), HOSTILE),
}

PART = {"contribution": "I carry the importer."}
LINE = {"thanks_line": "Without your Tuesday fix we'd have slipped."}


def goodbye(phase: Phase, member: Participant, today: date, **words: Any) -> Content:
    return messages.goodbye(over(phase, **words), member, today)


GOODBYES = {
    "bare": goodbye(replace(TRUST, items=()), participant(CHIARA), ENDED_ON),
    "all of it": goodbye(SPRINT, participant(BEN, **PART, **LINE), ENDED_ON, **WORDS),
    "from an admin": goodbye(
        SPRINT, participant(BEN, **LINE), ENDED_ON, **{**WORDS, "wrapped_up_by": OWNER}
    ),
    "days later": goodbye(SPRINT, participant(BEN, **PART), LATER),
    "of others' work": goodbye(SPRINT, participant(CHIARA), ENDED_ON),
    "own work parked": goodbye(FATES, participant(BEN), ENDED_ON, **WORDS),
    "others' work parked": goodbye(FATES, participant(CHIARA), ENDED_ON, **WORDS),
    "a late line": messages.late_line(over(**WORDS), participant(BEN, **LINE), LATER),
}
SAID |= {f"goodbye, {name}": said for name, said in GOODBYES.items()}


def problems(said: Content) -> list[object]:
    """With the picture, and where it could not be uploaded."""
    found = [
        *check_blocks(with_picture(said.blocks, "F0PICTURE"), "message"),
        *check_blocks(with_picture(said.blocks, None), "message"),
    ]
    return list(found)


def words(said: Content) -> str:
    return "\n".join(str(block) for block in said.blocks)


@pytest.mark.parametrize("name", SAID)
def test_is_said_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    said = SAID[name]
    assert problems(said) == []
    assert len(said.text) <= 80
    assert "!" not in said.text.replace("<!", "")

    assert [said.text, said.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", SAID)
def test_nothing_private_is_in_the_notification(name: str) -> None:
    said = SAID[name]

    for written in ("Beta is out", "importer", "Tuesday fix", "Dark mode", "audit"):
        assert written not in said.text


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "ש", "😀", "\u202e", "x y\n"])
def test_bad_and_long_words_are_shown_and_never_fire(sign: str) -> None:
    phase = hostile(sign)
    ended = over(phase, picture=PICTURE, **worded(sign))
    ben = next(one for one in phase.people if one.user_id == BEN)
    all_said = [
        messages.closing(ended),
        messages.wrapped_up(ended, changed=True, today=LATER),
        messages.warning(phase),
        messages.ask_wrap_up(ended.phase, LATER),
        messages.written(replace(ended, writer=long(sign, 80))),
        messages.longer(phase, long(sign, 80)),
        messages.goodbye(ended, ben, LATER),
        messages.late_line(ended, ben, LATER),
    ]

    for said in all_said:
        assert problems(said) == []
        assert len(said.text) <= 80
        assert "<!channel>" not in words(said)


def test_recovery_is_named_at_the_close_of_a_sprint_only() -> None:
    free = "no new sprint is planned before Mon 4 Jan"

    assert free in words(messages.closing(over()))
    assert free in words(messages.closing(over(**WORDS)))
    assert "ecovery" not in words(messages.closing(over(TRUST)))


def test_a_picture_is_shown_again_only_with_newer_results() -> None:
    same = messages.wrapped_up(over(picture=PICTURE, **WORDS), changed=False, today=LATER)

    assert same.picture is None
    assert messages.wrapped_up(NEWER, changed=False, today=LATER).picture == PICTURE


def test_an_extended_phase_offers_no_second_extension() -> None:
    said = words(messages.warning(replace(SPRINT, **LONGER)))

    assert messages.EXTEND not in said
    assert messages.WRAP_UP in said
    assert messages.EXTEND in words(messages.warning(SPRINT))


def test_who_said_nothing_is_not_reminded_of_it() -> None:
    said = words(GOODBYES["of others' work"])

    assert "Your part" not in said
    assert "to you" not in said


def test_a_line_is_signed_by_its_writer() -> None:
    assert "*Ana to you:* Without" in words(GOODBYES["all of it"])
    assert "*Olivia to you:* Without" in words(GOODBYES["from an admin"])
    assert "Ana" not in words(GOODBYES["from an admin"]).replace("back with Ana", "").replace(
        "Back with Ana", ""
    )


def test_co_leads_are_both_named() -> None:
    said = words(messages.closing(over(CO_LED)))

    assert "Ana and Chiara will tell the channel what it brought" in said
