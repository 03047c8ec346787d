"""`python -m bot verify-slack`: trials in a real workspace of undocumented behaviour of Slack.

It posts a few messages to a person or channel, deletes them, and prints the results and advice on
settings. Some trials need a person. Nothing is written to the database.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

import bot.slack.app
from bot.operations import verify_layouts
from bot.operations.verify_trials import (
    FAILURES,
    WITH_PEOPLE,
    WITHOUT_PEOPLE,
    TrialResult,
    Trials,
    Try,
    run_trials,
)
from bot.settings import Settings
from bot.slack.errors import classify
from bot.slack.http import build_web_app
from bot.slack.ids import is_person
from bot.slack.network import Network
from bot.slack.sockets import Sockets
from bot.web import CannotListen, Site

CALL_SECONDS = 20
STOP_THE_BOT = (
    "Stop the bot first: what Slack tells, and the buttons pressed here, would reach it instead."
)


async def verify(
    settings: Settings,
    to: str,
    *,
    http: bool,
    people: bool,
    wait: float,
    snapshots: Path | None = None,
) -> int:
    """Run the trials and print a line for each. Return 1 if a result needs attention, else 0.

    `snapshots` is a folder of tests whose stored messages and views Slack shall check.
    """
    print(STOP_THE_BOT)
    async with AsyncExitStack() as running:
        session = await running.enter_async_context(
            Network(settings).session(timeout_seconds=CALL_SECONDS)
        )
        client = AsyncWebClient(
            settings.slack_bot_token,
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[],
        )
        try:
            trials = Trials(client=client, channel=await _channel(client, to), wait=wait)
            await _connect(running, settings, trials, http=http)
        except FAILURES as error:
            reason = classify(error).reason
            print(
                TrialResult(
                    passed=False, text=f"Slack cannot be asked ({reason}): run `doctor` first."
                )
            )
            return 1
        except CannotListen as error:
            print(TrialResult(passed=False, text=f"{error} Or stop the bot."))
            return 1
        running.push_async_callback(trials.delete_posts)
        return await _run_and_print(trials, _tries(people, snapshots))


async def _run_and_print(trials: Trials, tries: Sequence[Try]) -> int:
    needs_attention = False
    async for seen in run_trials(trials, tries):
        print(seen, flush=True)
        needs_attention = needs_attention or seen.passed is False
    return int(needs_attention)


def _tries(people: bool, snapshots: Path | None) -> list[Try]:
    """Return the trials; those that need a person come last."""
    tries = [*WITHOUT_PEOPLE]
    if snapshots is not None:
        tries.append(partial(verify_layouts.snapshots, folder=snapshots))
    if people:
        tries += [*WITH_PEOPLE, verify_layouts.broadcast, verify_layouts.five_buttons]
    return tries


async def _channel(client: AsyncWebClient, to: str) -> str:
    if not is_person(to):
        return to
    return str((await client.conversations_open(users=to))["channel"]["id"])


async def _connect(
    running: AsyncExitStack, settings: Settings, trials: Trials, *, http: bool
) -> None:
    identity = (await trials.client.auth_test()).data
    assert isinstance(identity, dict)

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.get("enterprise_id"),
            team_id=identity["team_id"],
            bot_user_id=identity["user_id"],
            bot_token=trials.client.token,
        )

    app = bot.slack.app.build_bolt_app(trials.client, authorize)
    trials.listen(app)
    if http:
        web_app = build_web_app(app, settings.slack_signing_secret)
        site = Site(web_app, settings.http_host, settings.http_port)
        running.push_async_callback(site.stop)
        await site.start()
    else:
        sockets = Sockets(app, settings.slack_app_token, 1, Network(settings))
        running.push_async_callback(sockets.close)
        trials.other_connections = lambda: sockets.foreign_connections
        await sockets.connect()
