"""A scenario of the whole bot while it runs: who lives, who is to die where, who died."""

import os
import random  # noqa: TID251  a seed repeats it
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.clock import real_now
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from tests.chaos.fork_server import Zygote
from tests.chaos.whole_bot_process import STEPS, WholeOrders

#: A step is reached so often, at most, before its child dies there.
MOST_TIMES = 3
SELDOM = {step for step, where in STEPS.items() if where.endswith(("announce", "confirm"))}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What is tried. Times are real seconds."""

    name: str
    processes: int = 1
    steps: tuple[str, ...] = ()  # of `whole_bot_process.STEPS`: where it dies
    hits: int = 0  # at each of them
    phases: int = 3  # at least; more while it is to die at their beginning
    messages: int = 60  # at least; more until it has died often enough
    environment: bool = True  # connections come and go, acknowledgements are lost
    lease: float = 2.0  # 0: production's
    mutation: str = ""
    longest: float = 240.0  # then it counts as stuck


@dataclass
class Play:
    """One scenario under way."""

    scenario: Whole
    zygote: Zygote
    slack: FakeSlack
    db: Database
    orders: WholeOrders
    rng: random.Random
    alive: dict[int, str] = field(default_factory=dict)  # pid: the step where it is to die
    hits: Counter[str] = field(default_factory=Counter)
    deaths: list[datetime] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)  # of children that nobody killed

    @property
    def to_hit(self) -> list[str]:
        return [step for step in self.scenario.steps if self.hits[step] < self.scenario.hits]

    def reap(self) -> None:
        self.zygote.listen()
        for pid in [pid for pid in self.alive if pid in self.zygote.dead]:
            step = self.alive.pop(pid)
            if words := self.zygote.bury(pid):
                self.crashes.append(words)
            else:
                self.hits[step] += 1
                self.deaths.append(real_now())

    def bear(self) -> None:
        """Let as many live as there should be, each to die where it was seldom yet."""
        while len(self.alive) < self.scenario.processes:
            planned = self.hits + Counter(self.alive.values())
            step = min(self.to_hit, key=lambda step: planned[step], default="")
            times = 1 if step in SELDOM else self.rng.randint(1, MOST_TIMES)
            orders = replace(self.orders, step=STEPS.get(step, ""), times=times)
            self.alive[self.zygote.spawn(orders)] = step

    def kill_all(self) -> None:
        for pid in self.alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def silence(self) -> float:
        """The longest time from a death to the next message that Slack took, in seconds.

        Of deaths in a row the last one counts: before it, somebody else was about to call.
        """
        taken = [call.at for call in self.slack.calls if call.method == "chat.postMessage"]
        waits = []
        for death, next_death in zip(self.deaths, [*self.deaths[1:], None], strict=True):
            after = min((at for at in taken if at > death), default=None)
            if after is not None and (next_death is None or after < next_death):
                waits.append((after - death).total_seconds())
        return max(waits, default=0.0)
