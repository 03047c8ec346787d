"""AdjustableClock, ids, jitter and shuffling."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot import clock as clocks
from bot.clock import AdjustableClock, jittered, new_id, new_sortable_id, shuffled

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_adjustable_clock_stands_still():
    clock = AdjustableClock(NOON)

    assert clock.now() == clock.now() == NOON


def test_advance_moves_the_clock():
    assert AdjustableClock(NOON).advance(timedelta(days=1)) == NOON + timedelta(days=1)


def test_running_clock_starts_at_the_given_time():
    clock = AdjustableClock(NOON, running=True)

    assert NOON <= clock.now() < NOON + timedelta(minutes=1)


def test_running_clock_continues_from_where_it_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr(clocks, "monotonic", lambda: seconds)
    running, still = AdjustableClock(NOON, running=True), AdjustableClock(NOON)
    seconds += 60
    assert (running.now(), still.now()) == (NOON + timedelta(minutes=1), NOON)

    assert running.advance(timedelta(days=1)) == NOON + timedelta(days=1, minutes=1)
    seconds += 60
    assert running.now() == NOON + timedelta(days=1, minutes=2)


def test_clocks_return_utc():
    moved = AdjustableClock(NOON.astimezone(timezone(timedelta(hours=9))))

    assert (moved.now(), moved.now().tzinfo) == (NOON, UTC)
    assert clocks.real_now().tzinfo is clocks.Clock().now().tzinfo is UTC


def test_jittered_wait_falls_in_its_second_half():
    waits = [jittered(10) for _ in range(500)]

    assert 5 <= min(waits) < 6
    assert 9 < max(waits) <= 10


def test_naive_time_is_rejected():
    with pytest.raises(ValueError, match="zone"):
        AdjustableClock(NOON.replace(tzinfo=None))


def test_sortable_ids_sort_in_creation_order():
    ids = [new_sortable_id() for _ in range(5_000)]

    assert ids == sorted(set(ids))


def test_ids_are_32_characters_long():
    assert len(new_id()) == len(new_sortable_id()) == 32


def test_shuffled_keeps_every_item_in_another_order():
    assert sorted(shuffled(range(100))) == list(range(100))
    assert shuffled(range(100)) != list(range(100))


def test_sortable_ids_increase_even_if_the_clock_stalls_or_goes_back(
    monkeypatch: pytest.MonkeyPatch,
):
    moments = iter(
        [5_000_000_000_000_000_000, 5_000_000_000_000_000_000, 4_000_000_000_000_000_000]
    )
    monkeypatch.setattr("bot.clock.time.time_ns", lambda: next(moments))
    ids = clocks._SortableIds()
    first, second, third = (int(ids.next(), 16) >> clocks.RANDOM_BITS for _ in "123")

    assert (second, third) == (first + 1, first + 2)
