"""What Slack does wrong on the way: how often it did, and whether it was then left in peace."""

import random  # noqa: TID251  a seed repeats it
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from bot.clock import monotonic

POST = "chat.postMessage"
#: How often, of the calls of each method; the rest goes well. Only posts appear late.
USUAL = {
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
#: What a storm's no says, in seconds; and how long it may take until all who call know of it.
RETRY_AFTER = 2
HEARD_WITHIN = 1.0


@dataclass
class Faults:
    """Drawn from a pack in which each has its share, so that each of them does happen."""

    seed: int
    shares: Mapping[str, float]
    storm_until: float = 0.0  # every call is answered with 429 until then (`monotonic`)
    fired: Counter[str] = field(default_factory=Counter)
    fired_elsewhere: Counter[str] = field(default_factory=Counter)  # at calls that post nothing
    impatient: int = 0  # calls during a silence that Slack asked for

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._packs: dict[bool, list[str]] = {True: [], False: []}
        self._silent: dict[tuple[str, str], float] = {}  # since when, by workspace and method

    @property
    def all_fired(self) -> bool:
        return all(self.fired[kind] for kind in self.shares)

    def draw(self, method: str) -> str:
        """What goes wrong with this call; "" if nothing does."""
        posts = method == POST
        if not self._packs[posts]:
            self._packs[posts] = self._shuffled()
        kind = self._packs[posts].pop()
        if kind and (posts or kind != "late"):
            (self.fired if posts else self.fired_elsewhere)[kind] += 1
            return kind
        return ""

    def is_stormy(self, workspace: str, method: str, begun: float) -> bool:
        """Whether to say no, with RETRY_AFTER. Notes if that had just been said.

        `begun` is when the caller made up its mind (`monotonic`): however long the way was.
        """
        now, limit = monotonic(), (workspace, method)
        told = self._silent.get(limit)
        if told is not None and told + HEARD_WITHIN < begun < told + RETRY_AFTER:
            self.impatient += 1
        if now >= self.storm_until:
            return False
        if told is None or now >= told + RETRY_AFTER:
            self._silent[limit] = now
        self.fired["storm"] += 1
        return True

    def _shuffled(self) -> list[str]:
        size = ceil(1 / min(self.shares.values())) if self.shares else 1
        pack = [kind for kind, share in self.shares.items() for _ in range(round(share * size))]
        pack += [""] * (size - len(pack))
        self._random.shuffle(pack)
        return pack
