"""Slack's ids, hashes and timestamps; none is ever repeated."""

import random
import string
from collections.abc import Callable
from datetime import datetime

_DIGITS = string.digits + string.ascii_uppercase
_MICROSECONDS = 1_000_000


class Ids:
    """The generator; its two counters are stored with the workspace and survive a restart."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._random = random.SystemRandom()
        self.made = 0
        self.last_microsecond = 0

    def now(self) -> datetime:
        """Return business time, with its zone."""
        return self._clock()

    def now_seconds(self) -> int:
        return int(self._clock().timestamp())

    def new(self, prefix: str) -> str:
        """Return an id such as V0000000A1; the prefix tells the type."""
        self.made += 1
        number, digits = self.made, ""
        while number:
            number, digit = divmod(number, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        return prefix + digits.rjust(9, "0")

    def ts(self) -> str:
        """Return a message's timestamp, later than all before, even if the clock stands still."""
        now = int(self._clock().timestamp() * _MICROSECONDS)
        self.last_microsecond = max(now, self.last_microsecond + 1)
        seconds, rest = divmod(self.last_microsecond, _MICROSECONDS)
        return f"{seconds}.{rest:06d}"

    def short(self) -> str:
        """Return a block or action id, as Slack generates them for apps that omit them."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=5))

    def secret(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def digits(self) -> str:
        return str(self._random.randrange(10**12, 10**13))

    def hash(self) -> str:
        """Return a view's hash: its time and a unique part."""
        return f"{self.now_seconds()}.{self.short()}{self.short()}"

    def chosen(self, count: int) -> int:
        """Return any number below `count`, as Slack picks sockets without a pattern."""
        return self._random.randrange(count)
