"""Wording of the messages before, at and after the end of a phase."""

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
    hostile,
    hostile_wrap_up,
    over,
    repeat,
    with_outcomes,
)
from tests.harness import ANA, BEN, CHIARA, OWNER

EARLY = datetime(2026, 12, 9, 12, tzinfo=UTC)
EXTENDED: dict[str, Any] = {
    "ends_on": date(2026, 12, 23),
    "extension_reason": "The audit came late.",
}
EXTENDED_AND_ENDED: dict[str, Any] = {
    **EXTENDED,
    "ended_at": datetime(2026, 12, 23, 17, tzinfo=UTC),
}
WITH_OUTCOMES = with_outcomes(SPRINT, ("parked", date(2027, 1, 11)), ("dropped", None))
NO_LEAD = replace(SPRINT, people=(participant(ANA, has_left=True), participant(BEN)))
CO_LED = replace(SPRINT, people=(participant(ANA), participant(CHIARA, is_lead=True)))

MESSAGES = {
    "closing, sprint on its date": messages.closing(over()),
    "closing, trust on its date": messages.closing(over(TRUST)),
    "closing, sprint wrapped up with picture": messages.closing(
        over(WITH_OUTCOMES, picture=PICTURE, **WORDS)
    ),
    "closing, trust wrapped up": messages.closing(over(TRUST, **WORDS)),
    "closing, early": messages.closing(over(ended_at=EARLY, **WORDS)),
    "closing, extended": messages.closing(over(**EXTENDED_AND_ENDED)),
    "closing, nobody leads": messages.closing(over(NO_LEAD)),
    "wrapped up, items unchanged": messages.wrapped_up(over(**WORDS), changed=False, today=LATER),
    "wrapped up, items changed": messages.wrapped_up(
        over(WITH_OUTCOMES, **WORDS), changed=True, today=LATER
    ),
    "warning, sprint": messages.warning(SPRINT),
    "warning, trust": messages.warning(TRUST),
    "warning, extended once": messages.warning(replace(SPRINT, **EXTENDED)),
    "wrap-up request": messages.ask_wrap_up(over().phase, date(2026, 12, 22)),
    "wrap-up request, trust": messages.ask_wrap_up(over(TRUST).phase, date(2026, 12, 22)),
    "wrap-up written": messages.wrap_up_received(over(**WORDS)),
    "wrap-up written by an admin": messages.wrap_up_received(
        over(**{**WORDS, "wrapped_up_by": OWNER})
    ),
    "extended, sprint": messages.extended(replace(SPRINT, **EXTENDED), "Ana"),
    "extended, trust": messages.extended(replace(TRUST, **EXTENDED), HOSTILE),
}

PART = {"contribution": "I carry the importer."}
LINE = {"thanks_line": "Without your Tuesday fix we'd have slipped."}


def goodbye(phase: Phase, member: Participant, today: date, **wrap_up: Any) -> Content:
    return messages.goodbye(over(phase, **wrap_up), member, today)


GOODBYES = {
    "bare": goodbye(replace(TRUST, set_aside_items=()), participant(CHIARA), ENDED_ON),
    "everything": goodbye(SPRINT, participant(BEN, **PART, **LINE), ENDED_ON, **WORDS),
    "from an admin": goodbye(
        SPRINT, participant(BEN, **LINE), ENDED_ON, **{**WORDS, "wrapped_up_by": OWNER}
    ),
    "days later": goodbye(SPRINT, participant(BEN, **PART), LATER),
    "others' work": goodbye(SPRINT, participant(CHIARA), ENDED_ON),
    "own work parked": goodbye(WITH_OUTCOMES, participant(BEN), ENDED_ON, **WORDS),
    "others' work parked": goodbye(WITH_OUTCOMES, participant(CHIARA), ENDED_ON, **WORDS),
    "late line": messages.late_line(over(**WORDS), participant(BEN, **LINE), LATER),
}
MESSAGES |= {f"goodbye, {name}": message for name, message in GOODBYES.items()}


def problems(message: Content) -> list[object]:
    """Return the faults of the message, both with its picture and without it."""
    found = [
        *check_blocks(with_picture(message.blocks, "F0PICTURE"), "message"),
        *check_blocks(with_picture(message.blocks, None), "message"),
    ]
    return list(found)


def text_of(message: Content) -> str:
    return "\n".join(str(block) for block in message.blocks)


@pytest.mark.parametrize("name", MESSAGES)
def test_message_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = MESSAGES[name]
    assert problems(message) == []
    assert len(message.text) <= 80
    assert "!" not in message.text.replace("<!", "")

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", MESSAGES)
def test_notification_text_contains_nothing_private(name: str) -> None:
    message = MESSAGES[name]

    for written in ("Beta is out", "importer", "Tuesday fix", "Dark mode", "audit"):
        assert written not in message.text


@pytest.mark.parametrize("filler", ["<!channel>", "*", "&", "ש", "😀", "\u202e", "x y\n"])
def test_hostile_and_long_texts_fit_and_never_ping_the_channel(filler: str) -> None:
    phase = hostile(filler)
    ended = over(phase, picture=PICTURE, **hostile_wrap_up(filler))
    ben = next(one for one in phase.people if one.user_id == BEN)
    all_messages = [
        messages.closing(ended),
        messages.wrapped_up(ended, changed=True, today=LATER),
        messages.warning(phase),
        messages.ask_wrap_up(ended.phase, LATER),
        messages.wrap_up_received(replace(ended, wrap_up_author=repeat(filler, 80))),
        messages.extended(phase, repeat(filler, 80)),
        messages.goodbye(ended, ben, LATER),
        messages.late_line(ended, ben, LATER),
    ]

    for message in all_messages:
        assert problems(message) == []
        assert len(message.text) <= 80
        assert "<!channel>" not in text_of(message)


def test_closing_mentions_recovery_only_for_sprints() -> None:
    recovery_line = "No new sprint before Mon 4 Jan"

    assert recovery_line in text_of(messages.closing(over()))
    assert recovery_line in text_of(messages.closing(over(**WORDS)))
    assert "ecovery" not in text_of(messages.closing(over(TRUST)))


def test_closing_alone_shows_levels_and_picture() -> None:
    ended = over(picture=PICTURE, **WORDS)

    assert messages.closing(ended).picture == PICTURE
    assert "3 at the start, 4 at the end" in text_of(messages.closing(ended))
    assert messages.wrapped_up(ended, changed=False, today=LATER).picture is None


def test_end_warning_offers_no_second_extension() -> None:
    message = text_of(messages.warning(replace(SPRINT, **EXTENDED)))

    assert messages.EXTEND not in message
    assert messages.WRAP_UP in message
    assert messages.EXTEND in text_of(messages.warning(SPRINT))


def test_goodbye_omits_missing_contribution_and_line() -> None:
    message = text_of(GOODBYES["others' work"])

    assert "Your part" not in message
    assert "to you" not in message


def test_personal_line_is_signed_by_its_writer() -> None:
    assert "*Ana to you:* Without" in text_of(GOODBYES["everything"])
    assert "*Olivia to you:* Without" in text_of(GOODBYES["from an admin"])
    assert "Ana" not in text_of(GOODBYES["from an admin"]).replace("back with Ana", "").replace(
        "Back with Ana", ""
    )


def test_closing_names_both_co_leads() -> None:
    message = text_of(messages.closing(over(CO_LED)))

    assert "Ana and Chiara will tell the channel what came of it" in message
