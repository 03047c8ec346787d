"""The clock that is moved, and ids that sort or cannot be guessed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot import clock as clocks
from bot.clock import AdjustableClock, jittered, new_id, new_sortable_id, shuffled

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_moved_clock_stands_still():
    clock = AdjustableClock(NOON)

    assert clock.now() == clock.now() == NOON


def test_it_moves_by_hand():
    assert AdjustableClock(NOON).advance(timedelta(days=1)) == NOON + timedelta(days=1)


def test_a_running_one_goes_on_from_there():
    clock = AdjustableClock(NOON, running=True)

    assert NOON <= clock.now() < NOON + timedelta(minutes=1)


def test_a_running_one_goes_on_from_where_it_was_moved_to(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr(clocks, "monotonic", lambda: seconds)
    running, still = AdjustableClock(NOON, running=True), AdjustableClock(NOON)
    seconds += 60
    assert (running.now(), still.now()) == (NOON + timedelta(minutes=1), NOON)

    assert running.advance(timedelta(days=1)) == NOON + timedelta(days=1, minutes=1)
    seconds += 60
    assert running.now() == NOON + timedelta(days=1, minutes=2)


def test_it_tells_the_time_in_utc():
    moved = AdjustableClock(NOON.astimezone(timezone(timedelta(hours=9))))

    assert (moved.now(), moved.now().tzinfo) == (NOON, UTC)
    assert clocks.real_now().tzinfo is clocks.Clock().now().tzinfo is UTC


def test_retries_are_spread_over_the_second_half_of_their_wait():
    waits = [jittered(10) for _ in range(500)]

    assert 5 <= min(waits) < 6
    assert 9 < max(waits) <= 10


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        AdjustableClock(NOON.replace(tzinfo=None))


def test_sortable_ids_sort_as_they_were_made():
    ids = [new_sortable_id() for _ in range(5_000)]

    assert ids == sorted(set(ids))


def test_ids_have_one_form():
    assert len(new_id()) == len(new_sortable_id()) == 32


def test_shuffling_loses_nothing():
    assert sorted(shuffled(range(100))) == list(range(100))
    assert shuffled(range(100)) != list(range(100))


def test_ids_made_in_one_moment_or_while_the_clock_is_set_back_sort_too(
    monkeypatch: pytest.MonkeyPatch,
):
    moments = iter(
        [5_000_000_000_000_000_000, 5_000_000_000_000_000_000, 4_000_000_000_000_000_000]
    )
    monkeypatch.setattr("bot.clock.time.time_ns", lambda: next(moments))
    made = clocks._SortableIds()
    first, second, third = (int(made.next(), 16) >> clocks.RANDOM_BITS for _ in "123")

    assert (second, third) == (first + 1, first + 2)
