"""A scenario of the whole bot while it runs: its processes, their steps and their ends."""

import random  # noqa: TID251  a seed repeats it
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.clock import real_now
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from tests.chaos.fork_server import Children
from tests.chaos.whole_bot_process import STEPS, WholeBotOrders

#: A child is killed at the first to the third time that it reaches its step.
MAX_TIMES = 3
RARE_STEPS = {
    step for step, step_name in STEPS.items() if step_name.endswith(("announce", "confirm"))
}


@dataclass(frozen=True, kw_only=True)
class WholeBotScenario:
    """A scenario of the whole bot. Times are real seconds."""

    name: str
    processes: int = 1
    steps: tuple[str, ...] = ()  # of `whole_bot_process.STEPS`: where processes are killed
    hits: int = 0  # at each step
    phases: int = 3  # at least; more while kills at their start are missing
    messages: int = 60  # at least; more while kills are missing
    faults: bool = True  # lose connections and acknowledgements
    lease: float = 2.0  # 0: that of production
    mutation: str = ""
    max_seconds: float = 240.0  # a longer run counts as stuck


@dataclass(kw_only=True)
class WholeBotRun(Children):
    """A running scenario."""

    scenario: WholeBotScenario
    slack: FakeSlack
    db: Database
    orders: WholeBotOrders
    rng: random.Random
    deaths: list[datetime] = field(default_factory=list)

    def collect_ended(self) -> list[int]:
        ended = super().collect_ended()
        self.deaths += [real_now()] * len(ended)
        return ended

    def spawn_missing(self) -> None:
        """Spawn the missing processes, each to be killed at the step with the fewest hits."""
        while len(self.alive) < self.scenario.processes:
            step = self.next_step()
            times = 1 if step in RARE_STEPS else self.rng.randint(1, MAX_TIMES)
            orders = replace(self.orders, step=STEPS.get(step, ""), times=times)
            self.alive[self.fork_server.spawn(orders)] = step

    def takeover_seconds(self) -> float:
        """The longest time from a kill to the next message in Slack, in seconds.

        Of several kills in a row the last one counts: until then another process was sending.
        """
        posted_at = [call.at for call in self.slack.calls if call.method == "chat.postMessage"]
        takeovers = []
        for death, next_death in zip(self.deaths, [*self.deaths[1:], None], strict=True):
            next_post = min((at for at in posted_at if at > death), default=None)
            if next_post is not None and (next_death is None or next_post < next_death):
                takeovers.append((next_post - death).total_seconds())
        return max(takeovers, default=0.0)
