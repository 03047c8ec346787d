"""Settings, what Slack tells of people and of our installation, and every other event."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.log import log
from bot.rounds import questions_form
from bot.rounds.questions_form import Question
from bot.services import Services
from bot.slack.command import NAME, named
from bot.slack.errors import Refused
from bot.slack.event_dedup import is_new
from bot.slack.views import notice, open_form, show_next
from bot.workspaces import lifecycle, messages, profile_refresh, settings_form, store

Body = dict[str, Any]

ANY = re.compile("")
UNKNOWN = (
    "Nothing was changed: I do not know this button, form or command. It may be from another "
    "version of me. `/imbalance help` shows what I can do."
)


def register(app: AsyncApp, services: Services, ours: Sequence[Question]) -> None:
    """`ours` are the three questions in our own words."""
    app.command(NAME, matchers=[named("settings")])(partial(show_settings, services))
    app.view(settings_form.FORM)(partial(save_settings, services))
    app.action(settings_form.REWORD)(partial(show_wording, services, ours))
    app.view(questions_form.FORM)(partial(save_wording, services, ours))
    app.event("user_change")(partial(person_changed, services))
    app.event("team_join")(partial(person_changed, services))
    app.event("app_uninstalled")(partial(uninstalled, services))
    app.event("tokens_revoked")(partial(revoked, services))


def register_rest(app: AsyncApp) -> None:
    """To be called last: what nobody takes is never acknowledged in Socket Mode."""
    app.event(ANY)(let_go)
    app.action({"type": "block_actions", "action_id": ANY})(refuse_unknown)
    app.view(ANY)(refuse_unknown)
    app.command(ANY)(refuse_unknown)


async def show_settings(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """`/imbalance settings`: a form for admins, the same to read for everyone else."""
    workspace_id = str(context.team_id)
    may_change = await lifecycle.may_change(services, workspace_id, body["user_id"])
    async with services.db.reading() as reader:
        settings = await store.settings_of(reader, workspace_id)
    if may_change:
        await open_form(services.client_for(workspace_id), body, settings_form.build(settings))
        await ack()
    else:
        said = messages.read_only(settings)
        await ack(text=said.text, blocks=said.blocks)


async def save_settings(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    view = body["view"]
    given = settings_form.parse(view["state"]["values"])
    changed = await lifecycle.change_settings(
        services,
        workspace_id=str(context.team_id),
        user_id=body["user"]["id"],
        change=lambda now: settings_form.with_changes(now, view["private_metadata"], given),
    )
    await _saved(ack, changed)


async def show_wording(
    services: Services,
    ours: Sequence[Question],
    ack: AsyncAck,
    body: Body,
    context: AsyncBoltContext,
) -> None:
    """The words of the questions, on top of the settings."""
    workspace_id = str(context.team_id)
    async with services.db.reading() as reader:
        settings = await store.settings_of(reader, workspace_id)
    form = questions_form.build(ours, settings.questions)
    await open_form(services.client_for(workspace_id), body, form)
    await ack()


async def save_wording(
    services: Services,
    ours: Sequence[Question],
    ack: AsyncAck,
    body: Body,
    context: AsyncBoltContext,
) -> None:
    words = questions_form.parse(body["view"]["state"]["values"], ours)
    changed = await lifecycle.change_settings(
        services,
        workspace_id=str(context.team_id),
        user_id=body["user"]["id"],
        change=lambda now: replace(now, questions=words),
    )
    await _saved(ack, changed)


async def _saved(ack: AsyncAck, changed: Sequence[str]) -> None:
    """Say what was saved; where nothing was changed the form just closes."""
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
        if await profile_refresh.is_news(tx, workspace_id, user) and await is_new(
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


async def let_go(body: Body) -> None:
    log.debug("event_not_needed", event_type=body["event"]["type"])


async def refuse_unknown() -> None:
    raise Refused(UNKNOWN)
