"""Reading a channel's history, for people who are in it, and sending its picture."""

from dataclasses import replace
from hashlib import sha256

from slack_sdk.models.views import View

from bot.history import history_page, store
from bot.history.messages import NOT_IN_CHANNEL, picture_message
from bot.history.model import HistoryPage, PageTarget
from bot.outbox import enqueue, keys
from bot.phases.permissions import actor_of, refusal_to_start
from bot.services import Services
from bot.slack.conversations import fetch_channel, is_in_channel
from bot.slack.errors import Refused
from bot.slack.mrkdwn import channel
from bot.slack.request import Request
from bot.workspaces.store import settings_of

#: Of the part of a key that identifies one page of an open form.
ID_LENGTH = 16


async def history_of(services: Services, request: Request, target: PageTarget) -> View:
    """Return a page of a channel's history.

    Raises:
        Refused: the person is not in the channel.
    """
    page = await _page(services, request, target)
    refusal = None if page.phases else await _refusal_to_start(services, request)
    return history_page.build(page, refusal_to_start=refusal)


async def send_picture(services: Services, request: Request, *, view_id: str) -> View:
    """Send the person the picture of the page that they look at, once; return the page.

    `view_id` is the id of the form with that page.

    Raises:
        Refused: the person is not in the channel, or the form is not of a page.
    """
    page = await _page(services, request, history_page.read_metadata(request.target_id))
    if not page.shows_levels:
        return history_page.build(page)
    page_id = sha256(f"{view_id}:{request.target_id}".encode()).hexdigest()[:ID_LENGTH]
    async with services.db.transaction() as tx:
        await enqueue.post(
            tx,
            request.workspace_id,
            key=keys.history_picture(page_id, request.user_id),
            to=request.user_id,
            content=picture_message(page),
            now=services.clock.now(),
        )
    return history_page.build(page, is_picture_sent=True)


async def _page(services: Services, request: Request, target: PageTarget) -> HistoryPage:
    # Slack lets only people who are in a channel type or press something there.
    is_there = request.channel_id == target.channel_id
    if not (is_there or await _may_read(services, request, target)):
        raise Refused(NOT_IN_CHANNEL.format(channel=channel(target.channel_id)))
    async with services.db.reading() as reader:
        page = await store.history_page(
            reader, request.workspace_id, target.channel_id, target.newer, services.clock.now()
        )
    return replace(page, from_channel=is_there or target.from_channel)


async def _may_read(services: Services, request: Request, target: PageTarget) -> bool:
    """Return whether a person is in the channel. Never inside a transaction.

    Of a private channel that the bot is not in, Slack tells nothing: there it counts that the
    person opened this form from within it.
    """
    workspace_id, client = request.workspace_id, services.client_for(request.workspace_id)
    channel_id = target.channel_id
    if await is_in_channel(services.reads, client, workspace_id, request.user_id, channel_id):
        return True
    return (
        target.from_channel
        and await fetch_channel(services.reads, client, workspace_id, channel_id) is None
    )


async def _refusal_to_start(services: Services, request: Request) -> str | None:
    actor = await actor_of(services, request)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
    return await refusal_to_start(services, request.workspace_id, actor, settings)
