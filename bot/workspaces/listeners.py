"""Settings, what Slack tells of people and of our installation, and every other event."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.log import log
from bot.slack.command import NAME, named
from bot.slack.content import as_dicts
from bot.slack.errors import Refused
from bot.slack.events import is_new
from bot.slack.people import Person, remember
from bot.slack.views import open_form
from bot.workspaces import lifecycle, settings_form, store
from bot.workspaces.services import Services

Body = dict[str, Any]

UNKNOWN_PERSON = "Nothing was done: Slack does not know you here. Try again in a minute."
SETTINGS = "The settings of this workspace"


def register(app: AsyncApp, services: Services) -> None:
    app.command(NAME, matchers=[named("settings")])(partial(show_settings, services))
    app.view(settings_form.FORM)(partial(save_settings, services))
    app.event("user_change")(partial(person_changed, services))
    app.event("team_join")(partial(person_changed, services))
    app.event("app_uninstalled")(partial(uninstalled, services))
    app.event("tokens_revoked")(partial(uninstalled, services))


def register_rest(app: AsyncApp) -> None:
    """To be called last: an event that nobody takes is never acknowledged in Socket Mode."""
    app.event(re.compile(".*"))(let_go)


async def show_settings(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """`/imbalance settings`: a form for admins, the same to read for everyone else."""
    workspace_id = str(context.team_id)
    person = await _person(services, workspace_id, body["user_id"])
    async with services.db.reading() as reader:
        settings = await store.settings_of(reader, workspace_id)
    if not (person.is_admin and person.is_full_member):
        await ack(text=SETTINGS, blocks=as_dicts(settings_form.overview(settings)))
        return
    await open_form(services.client_for(workspace_id), body, settings_form.build(settings))
    await ack()


async def save_settings(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    workspace_id = str(context.team_id)
    person = await _person(services, workspace_id, body["user"]["id"])
    async with services.db.reading() as reader:
        before = await store.settings_of(reader, workspace_id)
    settings = settings_form.parse(body["view"]["state"]["values"], before)
    await lifecycle.change_settings(
        services, workspace_id=workspace_id, by=person, settings=settings
    )
    await ack()


async def person_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """A profile, a zone or an account changed, or somebody joined the workspace."""
    workspace_id = str(context.team_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        if await is_new(tx, workspace_id, body, now):
            await remember(tx, workspace_id, body["event"]["user"], now)


async def uninstalled(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """The app was removed. Slack may say so late, after it was installed again."""
    workspace_id = body["team_id"]
    at = datetime.fromtimestamp(body["event_time"], UTC)
    async with services.db.transaction() as tx:
        if await is_new(tx, workspace_id, body, services.clock.now()):
            gone = await store.mark_uninstalled(tx, workspace_id, at)
            log.warning("uninstalled", workspace=workspace_id, acted_on=gone)


async def let_go(body: Body) -> None:
    log.debug("event_not_needed", event_type=body["event"]["type"])


async def _person(services: Services, workspace_id: str, user_id: str) -> Person:
    client = services.client_for(workspace_id)
    person = await services.people.one(client, workspace_id, user_id)
    if person is None:
        raise Refused(UNKNOWN_PERSON)
    return person
