"""The time, and everything random: the only module that may ask the machine for either.

All other code is given a `Clock` and ids, so that time can be moved and tests are repeatable.
"""

import random
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

SEQUENCE_BITS = 16
RANDOM_BITS = 64


class Clock:
    """Business time: when phases end and questions are due. This one is the system's."""

    def now(self) -> datetime:
        """Return the time, always in UTC."""
        return datetime.now(UTC)


class AdjustableClock(Clock):
    """A clock that is moved by hand; between moves it stands still unless it is `running`."""

    def __init__(self, start: datetime, *, running: bool = False) -> None:
        self._running = running
        self.move_to(start)

    def now(self) -> datetime:
        if not self._running:
            return self._base
        return self._base + timedelta(seconds=monotonic() - self._moved_at)

    def move_to(self, instant: datetime) -> None:
        """Set the clock. Raises ValueError for a time without a zone."""
        if instant.tzinfo is None:
            raise ValueError("a time needs a zone")
        self._base = instant.astimezone(UTC)
        self._moved_at = monotonic()

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and return the new time."""
        self.move_to(self.now() + by)
        return self.now()


def monotonic() -> float:
    """Return real seconds that never go back; for leases, pacing and timeouts, not for business."""
    return time.monotonic()


def uptime() -> float:
    """Return seconds like `monotonic`, including the machine's sleep if the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def real_now() -> datetime:
    """Return the machine's time in UTC, which is never moved; for leases and retries."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return 128 random bits in hex: nothing about a row can be guessed from it."""
    return secrets.token_hex(16)


def random_bytes(count: int) -> bytes:
    """Return random bytes fit for keys."""
    return secrets.token_bytes(count)


def shuffled(items: Iterable[T]) -> list[T]:
    """Return the items in an order that cannot be predicted or repeated."""
    mixed = list(items)
    random.SystemRandom().shuffle(mixed)
    return mixed


def jittered(seconds: float) -> float:
    """Return a random time between half of it and all of it, so that retries do not coincide."""
    return random.SystemRandom().uniform(seconds / 2, seconds)


class _SortableIds:
    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def next(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, (time.time_ns() // 1_000_000) << SEQUENCE_BITS)
            return f"{(self._last << RANDOM_BITS) | secrets.randbits(RANDOM_BITS):032x}"


_sortable_ids = _SortableIds()


def new_sortable_id() -> str:
    """Return an id like UUID 7: 32 hex digits that sort in the order this process made them.

    It reveals when it was made: never use it for anything that must not be linked to a moment.
    """
    return _sortable_ids.next()
