"""What is killed here is the whole bot, over Socket Mode, with its people at it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import bot.channel_health.delivery_events
from bot.agenda import claims
from bot.app import Imbalance
from bot.clock import Clock
from bot.log import configure
from bot.outbox import sender_leases, slack_calls
from bot.outbox.delivery import RetryTimings
from bot.outbox.rate_limits import RateLimits
from bot.playground.fake_slack.core import APP_TOKEN, BOT_TOKEN
from bot.rounds import ballots
from bot.settings import Settings
from bot.start import begin
from tests.chaos import steps
from tests.chaos.mutations import Mutation, no_proof
from tests.chaos.steps import Death
from tests.conftest import KEY
from tests.harness import TINY_PNG

CALLING = "a call of the whole bot about to be made"
CALLED = "a call of the whole bot answered, nothing noted"
#: Beside those of `steps`: what only the whole bot does.
STEPS = {
    "an answer written, not committed": "before answer",
    "an answer kept, not acknowledged": "after answer",
    "a phase and its announcement written, not committed": "before announce",
    "a phase begun, not acknowledged": "after announce",
    "Slack's word of a message heard, not committed": "before confirm",
    "Slack's word of a message noted, not acknowledged": "after confirm",
    CALLING: "before call",
    CALLED: "after call",
}


@dataclass(frozen=True, kw_only=True)
class WholeOrders:
    """What a child is told at its birth. Times are real seconds."""

    database_url: str
    slack_url: str
    step: str = ""  # die there; empty: live
    times: int = 1  # when it is reached so often
    settle: float = 0.8
    lease: float = 0.0  # 0: production's, and its limits of time beside it
    mutation: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def live(told: dict[str, Any], _pid: int) -> None:
    """Work until killed. `told` is a WholeOrders as JSON."""
    orders = WholeOrders(**told)
    configure("CRITICAL", "text")
    if orders.lease:
        sender_leases.LEASE = timedelta(seconds=orders.lease)
        sender_leases.RENEW_EVERY_SECONDS = orders.lease / 4
        claims.CLAIMED_FOR = timedelta(seconds=orders.lease)
        slack_calls.BEGIN_WITHIN_SECONDS = orders.lease / 3
    if orders.mutation:
        MUTATIONS[orders.mutation].take_out()
    reached = Death(orders.step, orders.times)
    steps.watch(reached)
    steps.note("answer", ballots, "cast_all")
    steps.note("announce", begin, "_announce")
    steps.note("confirm", bot.channel_health.delivery_events, "confirm")
    asyncio.run(_work(orders))


def forgotten_answers() -> None:
    """An answer is acknowledged and not kept."""

    async def forget(_tx: object, _keys: object, casts: Sequence[object]) -> list[None]:
        return [None for _ in casts]

    ballots.cast_all = forget  # type: ignore[assignment]


def no_proof_at_all() -> None:
    """What is unknown is simply sent again; and Slack's own word of it is not heeded.

    That word is often there before the next process is, and a harness that counts on losing
    this race finds nothing now and then.
    """

    async def deaf(*_: object) -> bool:
        return False

    no_proof()
    setattr(bot.channel_health.delivery_events, "confirm", deaf)  # noqa: B010  (mypy: it is not its own)


MUTATIONS = {
    "answers acknowledged, not kept": Mutation(forgotten_answers, shows="lost"),
    "whole bot, no proof": Mutation(no_proof_at_all, shows="twice"),
}


async def _work(orders: WholeOrders) -> None:
    settings = Settings(
        slack_bot_token=BOT_TOKEN,
        slack_app_token=APP_TOKEN,
        slack_api_url=orders.slack_url,
        database_url=orders.database_url,
        keys=(KEY,),
        tick_seconds=0.5,
        metrics_port=0,
    )
    app = Imbalance(
        settings,
        Clock(),
        pace=RateLimits(limited=False),
        retry_timings=RetryTimings(
            settle=orders.settle, first_retry=0.05, longest_retry=0.5, look=0.25
        ),
        draw=_draw,
    )
    await app.start()
    await asyncio.Event().wait()


async def _draw(_: object) -> bytes:
    return TINY_PNG
