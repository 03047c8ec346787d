"""The services that every listener and agenda action is given; built once in `bot/app.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.db.engine import Database
from bot.round_keys import RoundKeys
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.people import People
from bot.slack.throttled_reads import ThrottledReads


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of the bot. `client_for` returns the Web API client of a workspace."""

    db: Database
    clock: Clock
    reads: ThrottledReads
    people: People
    keys: RoundKeys
    client_for: Callable[[str], AsyncWebClient]
    background_tasks: BackgroundTasks = field(default_factory=BackgroundTasks)
