"""Slack handlers for settings, and for events about people and the installation."""

from datetime import UTC, datetime
from functools import partial

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.log import log
from bot.metrics import limited_events
from bot.services import Services
from bot.slack.app import Next
from bot.slack.command import ANY, installed, is_subcommand
from bot.slack.errors import Refused
from bot.slack.event_dedup import is_new
from bot.slack.payloads import bolt_request
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import notice_view, open_form, show_next
from bot.workspaces import (
    audit_log,
    forget_me,
    lifecycle,
    messages,
    profile_refresh,
    settings_form,
    store,
)
from bot.workspaces.installation_store import cover, remove, remove_access

#: Payloads that concern all workspaces if they name none.
FOR_ALL = ("event_callback", "app_rate_limited")
#: Events about the installation itself.
OF_INSTALLATION = (
    "app_uninstalled",
    "tokens_revoked",
    "team_access_granted",
    "team_access_revoked",
)


def register(app: AsyncApp, services: Services) -> None:
    app.use(partial(in_each_workspace, services, app))
    app.use(partial(note_dropped_events, services))
    app.use(partial(learn_command_name, services))
    app.command(ANY, matchers=[is_subcommand("settings")])(as_listener(services, show_settings))
    app.command(ANY, matchers=[is_subcommand("forget-me")])(as_listener(services, open_forget_me))
    app.view(forget_me.FORM)(as_listener(services, delete_my_data))
    app.action(settings_form.AUDIT)(as_listener(services, show_audit_log))
    app.view(settings_form.FORM)(as_listener(services, save_settings))
    app.event("user_change")(partial(person_changed, services))
    app.event("team_join")(partial(person_changed, services))
    app.event("app_uninstalled")(partial(uninstalled, services))
    app.event("tokens_revoked")(partial(tokens_revoked, services))
    app.event("team_access_granted")(partial(access_granted, services))
    app.event("team_access_revoked")(partial(access_revoked, services))


async def in_each_workspace(
    services: Services, app: AsyncApp, body: Body, context: AsyncBoltContext, next_: Next
) -> BoltResponse:
    """Deliver an event of an organisation, which names no workspace, to each that is covered."""
    org_id, event = context.enterprise_id, body.get("event") or {}
    is_for_all = body.get("type") in FOR_ALL and event.get("type") not in OF_INSTALLATION
    if context.team_id is not None or org_id is None or not is_for_all:
        return await next_()
    async with services.db.reading() as reader:
        covered = await store.covered_by(reader, org_id)
    answers = [
        await app.async_dispatch(bolt_request({**body, "team_id": workspace_id}, mode="http"))
        for workspace_id in covered
    ]
    failed = (answer for answer in answers if answer.status != 200)
    return next(failed, BoltResponse(status=200, body=""))


async def note_dropped_events(
    services: Services, body: Body, context: AsyncBoltContext, next_: Next
) -> BoltResponse:
    """Catch up on the events that Slack dropped because there were too many in a minute.

    It says so in a payload of its own type, which no listener of Bolt's takes.
    """
    if body.get("type") != "app_rate_limited":
        return await next_()
    limited_events.inc()
    log.warning("events_rate_limited")
    async with services.db.transaction() as tx:
        now = services.clock.now()
        await lifecycle.catch_up_after_limit(tx, str(context.team_id), now)
    return BoltResponse(status=200, body="")


async def learn_command_name(services: Services, body: Body, next_: Next) -> BoltResponse:
    """Take the command's name from its use, for this answer and all later sentences."""
    if "command" in body and installed.learn(body["command"]):
        log.info("command_name_learnt", name=installed.name)
        async with services.db.transaction() as tx:
            await store.save_command_name(tx, installed.name)
    return await next_()


async def show_settings(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Open the settings form for admins; show the settings to everyone else."""
    may_change = await lifecycle.may_change(services, request)
    async with services.db.reading() as reader:
        settings = await store.settings_of(reader, request.workspace_id)
    if may_change:
        form = settings_form.build(settings)
        await open_form(services.client_for(request.workspace_id), body, form)
        await ack()
    else:
        message = messages.read_only(settings)
        await ack(text=message.text, blocks=message.blocks)


async def save_settings(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    submitted = settings_form.parse(typed_values(body))
    changed = await lifecycle.change_settings(
        services,
        request,
        lambda current: settings_form.with_changes(current, request.target_id, submitted),
    )
    if changed:
        await show_next(ack, notice_view(messages.TITLE, messages.saved(changed)))
    else:
        await ack()


async def open_forget_me(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await open_form(services.client_for(request.workspace_id), body, forget_me.build())
    await ack()


async def delete_my_data(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    in_running_phase = await lifecycle.forget_me(services, request)
    await show_next(ack, forget_me.done(in_running_phase=in_running_phase))


async def show_audit_log(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Show an admin who changed what, on top of the settings."""
    if not await lifecycle.may_change(services, request):
        raise Refused(messages.AUDIT_ADMINS_ONLY)
    async with services.db.reading() as reader:
        entries = await store.audit_of(reader, request.workspace_id, audit_log.MOST_ENTRIES + 1)
    view = audit_log.build(entries)
    await open_form(services.client_for(request.workspace_id), body, view)
    await ack()


async def person_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Schedule a read of a known person's profile after Slack reported a change of it.

    Events may arrive out of order and be outdated, so Slack is asked for the current state.
    """
    workspace_id, user = str(context.team_id), body["event"]["user"]
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if await profile_refresh.is_changed(tx, workspace_id, user) and await is_new(
            tx, workspace_id, body, now
        ):
            await profile_refresh.schedule_read(tx, workspace_id, user["id"], now)


async def tokens_revoked(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Handle revoked tokens: the bot's own count as an uninstallation, those of users do not."""
    if body["event"]["tokens"].get("bot"):
        await uninstalled(services, body, context)


async def uninstalled(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Handle the removal of the app. Slack may report it late, after a new installation.

    Bolt authorizes it for any workspace; it changes nothing in those that are not installed.
    """
    is_of_org = context.is_enterprise_install or context.team_id is None
    owner_id = context.enterprise_id if is_of_org else context.team_id
    if owner_id is not None:
        async with services.db.transaction() as tx:
            await remove(tx, owner_id, body["event"]["type"], _time_of(body))


async def access_granted(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Begin in the workspaces that an organisation has added to the bot's installation in it."""
    if context.enterprise_id is not None:
        await cover(services.db, context.enterprise_id, body["event"]["team_ids"], services.clock)


async def access_revoked(services: Services, body: Body) -> None:
    """Stop in the workspaces that an organisation has removed from the bot's installation."""
    async with services.db.transaction() as tx:
        for workspace_id in sorted(body["event"]["team_ids"]):
            await remove_access(tx, workspace_id, body["event"]["type"], _time_of(body))


def _time_of(body: Body) -> datetime:
    return datetime.fromtimestamp(body["event_time"], UTC)
