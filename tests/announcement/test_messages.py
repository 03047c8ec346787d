"""The announcement: correct on each day, short, and safe with hostile texts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import messages
from bot.phases.model import Phase
from bot.phases.rules import SprintPromise
from bot.playground.fake_slack.checks import check_blocks
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST, item, participant
from tests.harness import ANA, BEN, CHIARA

EXTENDED = replace(
    SPRINT,
    ends_on=date(2026, 12, 23),
    recovery_until=date(2027, 1, 12),
    extension_reason="The audit came a week late.",
)
ENDED = replace(SPRINT, is_active=False, ended_at=datetime(2026, 12, 16, 15, tzinfo=UTC))
JUSTIFIED = replace(SPRINT, justification="The customer moved the date.")
CO_LED = replace(SPRINT, people=(*SPRINT.people[:1], participant(BEN, is_lead=True)))
CASES = {
    "sprint": SPRINT,
    "trust": TRUST,
    "extended": EXTENDED,
    "ended": ENDED,
    "justified": JUSTIFIED,
    "co-led, too few members": CO_LED,
}


def texts(phase: Phase, today: date = TODAY) -> str:
    blocks = messages.announcement(phase, today).blocks
    return "\n".join(block["text"]["text"] for block in blocks if "text" in block)


def buttons(phase: Phase) -> list[str]:
    blocks: list[dict[str, Any]] = messages.announcement(phase, TODAY).blocks
    return [element["text"]["text"] for element in blocks[-1]["elements"]]


@pytest.mark.parametrize("name", CASES)
def test_announcement_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = messages.announcement(CASES[name], TODAY)
    assert check_blocks(message.blocks, "message") == []

    assert message.blocks == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize(
    ("on", "left"),
    [
        (date(2026, 12, 4), "14 days left"),
        (date(2026, 12, 17), "1 day left"),
        (date(2026, 12, 18), "Last day"),
    ],
)
def test_announcement_counts_down_the_days(on: date, left: str) -> None:
    assert f"{left} · led by Ana" in texts(SPRINT, on)


def test_notification_text_is_cut_at_80_characters() -> None:
    message = messages.announcement(replace(SPRINT, milestone="a very long milestone " * 20), TODAY)

    assert len(message.text) <= 80
    assert message.text.endswith("…")


def test_set_aside_items_return_on_the_next_working_day() -> None:
    assert "Back on Mon 21 Dec." in texts(SPRINT)
    assert "No new sprint before Mon 4 Jan." in texts(SPRINT)


def test_ended_announcement_offers_only_details() -> None:
    assert "🏁 Results sprint, ended Wed 16 Dec: ship the beta" in texts(ENDED)
    assert buttons(ENDED) == ["Details"]
    assert "3 questions" not in texts(ENDED)
    assert "days left" not in texts(ENDED)


def test_extended_announcement_names_the_first_end_and_the_reason() -> None:
    assert "*Extended from Fri 18 Dec:* The audit came a week late." in texts(EXTENDED)


def test_team_of_fewer_than_four_talks_instead_of_answering() -> None:
    assert "talk about together. Nothing is stored" in texts(CO_LED)
    assert "led by Ana and Ben" in texts(CO_LED)


def test_hostile_texts_are_escaped() -> None:
    promise = SprintPromise(**dict.fromkeys(("stakes", "ask", "protected", "why_you"), HOSTILE))
    phase = replace(
        replace(SPRINT, milestone=HOSTILE, promise=promise, justification=HOSTILE),
        set_aside_items=(replace(item(0, HOSTILE, BEN), owner_name=HOSTILE),),
        people=(participant(ANA, name=HOSTILE), participant(CHIARA)),
    )
    message = messages.announcement(phase, TODAY)

    assert check_blocks(message.blocks, "message") == []
    for text in (message.text, texts(phase)):
        assert "<" not in text
        assert "&lt;!channel&gt;" in text


@pytest.mark.parametrize("filler", ["&", "x", "😀", "*"])
def test_longest_texts_fit(filler: str) -> None:
    long = filler * 3_000
    promise = SprintPromise(stakes=long, ask=long, protected=long, why_you=long, give_up=long)
    items = tuple(item(position, long, BEN) for position in range(5))
    phase = replace(replace(SPRINT, milestone=long, promise=promise), set_aside_items=items)
    message = messages.announcement(phase, TODAY + timedelta(days=1))

    assert check_blocks(message.blocks, "message") == []
    assert "*What Ana gives up:*" in texts(phase)
