"""Slack handlers for settings, and for events about people and the installation."""

from datetime import UTC, datetime
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.log import log
from bot.services import Services
from bot.slack.command import NAME, named
from bot.slack.event_dedup import is_new
from bot.slack.request import Body, Request, handler, typed_values
from bot.slack.views import notice, open_form, show_next
from bot.workspaces import lifecycle, messages, profile_refresh, settings_form, store


def register(app: AsyncApp, services: Services) -> None:
    app.command(NAME, matchers=[named("settings")])(handler(services, show_settings))
    app.view(settings_form.FORM)(handler(services, save_settings))
    app.event("user_change")(partial(person_changed, services))
    app.event("team_join")(partial(person_changed, services))
    app.event("app_uninstalled")(partial(uninstalled, services))
    app.event("tokens_revoked")(partial(revoked, services))


async def show_settings(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """`/imbalance settings`: a form for admins, the same to read for everyone else."""
    may_change = await lifecycle.may_change(services, request)
    async with services.db.reading() as reader:
        settings = await store.settings_of(reader, request.workspace_id)
    if may_change:
        form = settings_form.build(settings)
        await open_form(services.client_for(request.workspace_id), body, form)
        await ack()
    else:
        said = messages.read_only(settings)
        await ack(text=said.text, blocks=said.blocks)


async def save_settings(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    given = settings_form.parse(typed_values(body))
    changed = await lifecycle.change_settings(
        services, request, lambda now: settings_form.with_changes(now, request.target_id, given)
    )
    if changed:
        await show_next(ack, notice(messages.TITLE, messages.saved(changed)))
    else:
        await ack()


async def person_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """A profile, a zone or an account changed; only of people we have to do with.

    Events come in any order, so what this one says may be over: Slack is asked how it is now.
    """
    workspace_id, user = str(context.team_id), body["event"]["user"]
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if await profile_refresh.is_changed(tx, workspace_id, user) and await is_new(
            tx, workspace_id, body, now
        ):
            await profile_refresh.read_soon(tx, workspace_id, user["id"], now)


async def revoked(services: Services, body: Body) -> None:
    """Tokens were taken back: ours, or only some person's."""
    if body["event"]["tokens"].get("bot"):
        await uninstalled(services, body)


async def uninstalled(services: Services, body: Body) -> None:
    """The app was removed. Slack may say so late, after it was installed again."""
    workspace_id = body.get("team_id")
    if workspace_id is None:  # of a whole organisation, where we are not installed
        log.warning("uninstalled_elsewhere", reason=body["event"]["type"])
        return
    at = datetime.fromtimestamp(body["event_time"], UTC)
    async with services.db.transaction() as tx:
        if await is_new(tx, workspace_id, body, services.clock.now()):
            await lifecycle.uninstall(tx, workspace_id, body["event"]["type"], at)
