"""The time, and everything that is random: the only module that may ask the machine for either.

Everyone else is given a `Clock` and ids, so that time can be moved and tests repeat themselves.
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
        """The time, with its zone, which is always UTC."""
        return datetime.now(UTC)


class AdjustableClock(Clock):
    """A clock that is moved by hand; it stands still in between unless it is `running`."""

    def __init__(self, start: datetime, *, running: bool = False) -> None:
        self._running = running
        self.move_to(start)

    def now(self) -> datetime:
        if not self._running:
            return self._base
        return self._base + timedelta(seconds=monotonic() - self._moved_at)

    def move_to(self, instant: datetime) -> None:
        """Set the clock. Raises ValueError for a time without zone."""
        if instant.tzinfo is None:
            raise ValueError("a time needs a zone")
        self._base = instant.astimezone(UTC)
        self._moved_at = monotonic()

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and return the new time."""
        self.move_to(self.now() + by)
        return self.now()


def monotonic() -> float:
    """Real seconds that never go back; for leases, pacing and time-outs, not for business."""
    return time.monotonic()


def uptime() -> float:
    """Like `monotonic`, but counting on while the machine sleeps, where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def real_now() -> datetime:
    """The machine's time in UTC, which nobody moves; for leases and retries."""
    return datetime.now(UTC)


def new_id() -> str:
    """128 random bits in hex: nothing about a row can be guessed from it."""
    return secrets.token_hex(16)


def random_bytes(count: int) -> bytes:
    """Random bytes fit for keys."""
    return secrets.token_bytes(count)


def shuffled(items: Iterable[T]) -> list[T]:
    """The items in an order that cannot be predicted or repeated."""
    mixed = list(items)
    random.SystemRandom().shuffle(mixed)
    return mixed


def jittered(seconds: float) -> float:
    """Somewhere between half of it and all of it, so that many retries do not meet."""
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
    """Like UUID 7: 32 hex digits that sort in the order this process made them.

    It tells when it was made: never for anything that must not be linked to a moment.
    """
    return _sortable_ids.next()
