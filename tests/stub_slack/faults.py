"""Faults of Slack: their shares and counts, and whether Retry-After was respected."""

import random  # noqa: TID251  a seed repeats it
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from bot.clock import monotonic

POST = "chat.postMessage"
#: Shares of the calls; the rest succeeds. Only posts can be late.
USUAL_SHARES = {
    "429": 0.03,
    "500 before": 0.03,
    "500 after": 0.03,
    "page before": 0.015,
    "page after": 0.015,
    "reset before": 0.02,
    "reset after": 0.03,
    "hang before": 0.015,
    "hang after": 0.015,
    "late": 0.015,
}
#: Retry-After of a storm of 429s in seconds, and the time until every process knows of it.
RETRY_AFTER = 2
PROPAGATION_SECONDS = 1.0


@dataclass
class Faults:
    """Faults, drawn from a shuffled deck with their shares, so that each of them happens."""

    seed: int
    shares: Mapping[str, float]
    storm_until: float = 0.0  # every call is answered with 429 until then (`monotonic`)
    fired: Counter[str] = field(default_factory=Counter)
    fired_in_other_calls: Counter[str] = field(default_factory=Counter)  # other than posts
    calls_during_backoff: int = 0  # calls before Retry-After was over

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._decks: dict[bool, list[str]] = {True: [], False: []}
        self._limited_since: dict[tuple[str, str], float] = {}  # by workspace and method

    @property
    def all_fired(self) -> bool:
        return all(self.fired[kind] for kind in self.shares)

    def draw(self, method: str) -> str:
        """The fault of this call; "" for none."""
        posts = method == POST
        if not self._decks[posts]:
            self._decks[posts] = self._shuffled()
        kind = self._decks[posts].pop()
        if kind and (posts or kind != "late"):
            (self.fired if posts else self.fired_in_other_calls)[kind] += 1
            return kind
        return ""

    def is_rate_limited(self, workspace: str, method: str, started: float) -> bool:
        """Whether to answer 429 with RETRY_AFTER. Counts calls that should have waited.

        `started` is when the caller started the call (`monotonic`), before its way to Slack.
        """
        now, limit = monotonic(), (workspace, method)
        limited_at = self._limited_since.get(limit)
        if (
            limited_at is not None
            and limited_at + PROPAGATION_SECONDS < started < limited_at + RETRY_AFTER
        ):
            self.calls_during_backoff += 1
        if now >= self.storm_until:
            return False
        if limited_at is None or now >= limited_at + RETRY_AFTER:
            self._limited_since[limit] = now
        self.fired["storm"] += 1
        return True

    def _shuffled(self) -> list[str]:
        size = ceil(1 / min(self.shares.values())) if self.shares else 1
        deck = [kind for kind, share in self.shares.items() for _ in range(round(share * size))]
        deck += [""] * (size - len(deck))
        self._random.shuffle(deck)
        return deck
