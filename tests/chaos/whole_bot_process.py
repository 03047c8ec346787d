"""A process to kill that is the whole bot, over Socket Mode."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import bot.channel_health.delivery_confirmations
from bot.agenda import claims
from bot.app import Imbalance
from bot.clock import Clock
from bot.log import configure
from bot.outbox import sender_leases, slack_calls
from bot.outbox.delivery import RetryTimings
from bot.playground.fake_slack.core import APP_TOKEN, BOT_TOKEN
from bot.rounds import ballots
from bot.rounds.ballot_crypto import Ballot
from bot.settings import Settings
from bot.start import begin
from tests.chaos import steps
from tests.chaos.mutations import Mutation, no_proof
from tests.chaos.steps import KillAt
from tests.harness import KEY, without_limits

CALLING = "a call of the whole bot about to be made"
CALLED = "a call of the whole bot answered, nothing recorded"
#: Steps that only the whole bot has, in addition to those of `steps`.
STEPS = {
    "an answer written, not committed": "before answer",
    "an answer committed, not acknowledged": "after answer",
    "a phase and its announcement written, not committed": "before announce",
    "a phase started, not acknowledged": "after announce",
    "a delivery event received, not committed": "before confirm",
    "a delivery event recorded, not acknowledged": "after confirm",
    CALLING: "before call",
    CALLED: "after call",
}


@dataclass(frozen=True, kw_only=True)
class WholeBotOrders:
    """The instructions of a new child. Times are real seconds."""

    database_url: str
    slack_url: str
    step: str = ""  # where to be killed; empty: nowhere
    times: int = 1  # when the step is reached for this time
    settle_seconds: float = 0.8
    lease_seconds: float = 0.0  # 0: the lease and the other timings of production
    mutation: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def main(instructions: dict[str, Any], _pid: int) -> None:
    """Work until killed. Takes `WholeBotOrders` as JSON."""
    orders = WholeBotOrders(**instructions)
    configure("CRITICAL", "text")
    if orders.lease_seconds:
        sender_leases.LEASE_DURATION = timedelta(seconds=orders.lease_seconds)
        sender_leases.RENEW_EVERY_SECONDS = orders.lease_seconds / 4
        claims.CLAIM_DURATION = timedelta(seconds=orders.lease_seconds)
        slack_calls.BEGIN_WITHIN_SECONDS = orders.lease_seconds / 3
    if orders.mutation:
        MUTATIONS[orders.mutation].apply()
    reached = KillAt(orders.step, orders.times)
    steps.watch_steps(reached)
    steps.tag_when_called("answer", ballots, "change_all")
    steps.tag_when_called("announce", begin, "_announce")
    steps.tag_when_called("confirm", bot.channel_health.delivery_confirmations, "confirm")
    asyncio.run(_work(orders))


def answers_not_saved() -> None:
    """An answer is acknowledged and not saved."""

    async def discard(
        _tx: object, _keys: object, changes: Sequence[ballots.BallotChange]
    ) -> list[Ballot]:
        return [change.apply(Ballot()) for change in changes]

    ballots.change_all = discard  # type: ignore[assignment]


def no_lookup_and_no_confirmation() -> None:
    """A message with an unknown outcome is sent again, and Slack's delivery event is ignored.

    That event often comes before the next process starts, and would hide the missing lookup.
    """

    async def ignore(*_: object) -> bool:
        return False

    no_proof()
    setattr(bot.channel_health.delivery_confirmations, "confirm", ignore)  # noqa: B010  (mypy: imported there)


MUTATIONS = {
    "answers acknowledged, not saved": Mutation(answers_not_saved, counter="lost"),
    "whole bot, no lookup": Mutation(no_lookup_and_no_confirmation, counter="duplicates"),
}


async def _work(orders: WholeBotOrders) -> None:
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
        **without_limits(
            RetryTimings(
                settle=orders.settle_seconds, first_retry=0.05, longest_retry=0.5, poll=0.25
            )
        ),
    )
    await app.start()
    await asyncio.Event().wait()
