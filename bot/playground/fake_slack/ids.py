"""Slack's ids, hashes and timestamps: new ones never repeat an old one."""

import random
import string
from collections.abc import Callable
from datetime import datetime

_DIGITS = string.digits + string.ascii_uppercase
_MICROSECONDS = 1_000_000


class Ids:
    """Makes them. Its two counters are kept with the workspace, so that a restart goes on."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._random = random.SystemRandom()
        self.made = 0
        self.last_microsecond = 0

    def now(self) -> datetime:
        """Business time, with its zone."""
        return self._clock()

    def now_seconds(self) -> int:
        return int(self._clock().timestamp())

    def new(self, prefix: str) -> str:
        """An id such as V0000000A1: the prefix says of what."""
        self.made += 1
        number, digits = self.made, ""
        while number:
            number, digit = divmod(number, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        return prefix + digits.rjust(9, "0")

    def ts(self) -> str:
        """A message's timestamp: later than every one before, even if the clock stands still."""
        now = int(self._clock().timestamp() * _MICROSECONDS)
        self.last_microsecond = max(now, self.last_microsecond + 1)
        seconds, rest = divmod(self.last_microsecond, _MICROSECONDS)
        return f"{seconds}.{rest:06d}"

    def short(self) -> str:
        """A block or action id as Slack makes them where the app gave none."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=5))

    def secret(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def digits(self) -> str:
        return str(self._random.randrange(10**12, 10**13))

    def hash(self) -> str:
        """A view's hash: its time and something new."""
        return f"{self.now_seconds()}.{self.short()}{self.short()}"

    def chosen(self, count: int) -> int:
        """Any number below `count`: Slack promises no pattern in which socket gets what."""
        return self._random.randrange(count)
