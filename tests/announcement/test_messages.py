"""The announcement: true on each day, short, and never firing what people wrote."""

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
    "co-led, too small to be asked": CO_LED,
}


def texts(phase: Phase, today: date = TODAY) -> str:
    blocks = messages.announcement(phase, today).blocks
    return "\n".join(block["text"]["text"] for block in blocks if "text" in block)


def buttons(phase: Phase) -> list[str]:
    blocks: list[dict[str, Any]] = messages.announcement(phase, TODAY).blocks
    return [element["text"]["text"] for element in blocks[-1]["elements"]]


@pytest.mark.parametrize("name", CASES)
def test_is_said_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    said = messages.announcement(CASES[name], TODAY)
    assert check_blocks(said.blocks, "message") == []

    assert said.blocks == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize(
    ("on", "left"),
    [
        (date(2026, 12, 4), "14 days left"),
        (date(2026, 12, 17), "1 day left"),
        (date(2026, 12, 18), "Last day"),
    ],
)
def test_counts_days_down(on: date, left: str) -> None:
    assert f"{left} · led by Ana" in texts(SPRINT, on)


def test_the_first_line_fits_a_notification() -> None:
    said = messages.announcement(replace(SPRINT, milestone="a very long milestone " * 20), TODAY)

    assert len(said.text) <= 80
    assert said.text.endswith("…")


def test_what_waits_comes_back_on_the_working_day_after() -> None:
    assert "Back on Mon 21 Dec." in texts(SPRINT)
    assert "no new sprint planned before Mon 4 Jan." in texts(SPRINT)


def test_an_ended_one_has_only_its_details_left() -> None:
    assert "🏁 Results sprint, ended Wed 16 Dec: ship the beta" in texts(ENDED)
    assert buttons(ENDED) == ["Details"]
    assert "3 questions" not in texts(ENDED)
    assert "days left" not in texts(ENDED)


def test_an_extension_names_the_first_end_and_the_reason() -> None:
    assert "*Extended from Fri 18 Dec:* The audit came a week late." in texts(EXTENDED)


def test_who_is_under_four_talks() -> None:
    assert "talk about together, nothing stored" in texts(CO_LED)
    assert "led by Ana and Ben" in texts(CO_LED)


def test_peoples_words_never_fire() -> None:
    promise = SprintPromise(**dict.fromkeys(("stakes", "ask", "protected", "why_you"), HOSTILE))
    phase = replace(
        replace(SPRINT, milestone=HOSTILE, promise=promise, justification=HOSTILE),
        items=(replace(item(0, HOSTILE, BEN), owner_name=HOSTILE),),
        people=(participant(ANA, name=HOSTILE), participant(CHIARA)),
    )
    said = messages.announcement(phase, TODAY)

    assert check_blocks(said.blocks, "message") == []
    for text in (said.text, texts(phase)):
        assert "<" not in text
        assert "&lt;!channel&gt;" in text


@pytest.mark.parametrize("sign", ["&", "x", "😀", "*"])
def test_the_longest_words_still_fit(sign: str) -> None:
    long = sign * 3_000
    promise = SprintPromise(stakes=long, ask=long, protected=long, why_you=long, give_up=long)
    items = tuple(item(position, long, BEN) for position in range(5))
    phase = replace(replace(SPRINT, milestone=long, promise=promise), items=items)
    said = messages.announcement(phase, TODAY + timedelta(days=1))

    assert check_blocks(said.blocks, "message") == []
    assert "*What I give up:*" in texts(phase)
