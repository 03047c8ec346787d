"""Eligibility to start a phase in a channel, with every reason against it.

Who they are is known here, as a rule; how things are in the channel only Slack can say.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.agenda.slots import zone_of
from bot.log import log
from bot.phases import rules
from bot.phases.rules import Actor, Limits
from bot.services import Services
from bot.slack.conversations import Channel, channel_of, member_ids
from bot.slack.errors import Refused, reason_of
from bot.slack.mrkdwn import quote, together
from bot.slack.people import Person
from bot.slack.request import Request
from bot.slack.throttled_reads import ThrottledReads
from bot.start.draft import Draft
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import settings_of

#: A team of more is chosen by hand; guests and apps of a channel come on top.
TEAM, LOOKED_AT = 12, 20

IN_A_DM = (
    "Nothing was started: a phase belongs to a channel, where the team reads it. Type the same "
    "in the team's channel."
)
INVITE_ME = (
    "Nothing was started: I am not in this private channel and cannot come by myself. Type "
    "`/invite @Imbalance` here, then the same command again."
)
ARCHIVED = (
    "Nothing was started: this channel is archived, so nobody would read it. Unarchive it, or "
    "start in another channel."
)
NOT_IN_CHANNEL = (
    "Nothing was started: only people who are in this channel start a phase here. Join it first."
)
CANNOT_JOIN = (
    "Nothing was started: Slack did not let me into this channel ({reason}). Type "
    "`/invite @Imbalance` there, then press Announce again."
)
NOT_COLLEAGUES = (
    "Nothing was started: {names} cannot be chosen: apps, guests, deactivated people and those of "
    "other organisations are never asked. Leave them out."
)
NOT_READING = (
    "Nothing was started: {names} would not read it, not being in this channel. Invite them "
    "first, or leave them out."
)


@dataclass(frozen=True, kw_only=True)
class EligibleLead:
    """A person who may start phases in this workspace; the channel was not looked at."""

    workspace_id: str
    channel_id: str
    lead: Person
    zone: str
    today: date  # where the lead lives
    settings: WorkspaceSettings


@dataclass(frozen=True, kw_only=True)
class EligibleChannel(EligibleLead):
    """A channel, and a full member of it who may start a phase there."""

    channel: Channel
    member_ids: tuple[str, ...]  # of the channel, apps and guests included


async def eligible_lead(services: Services, request: Request) -> EligibleLead:
    """The person who wants to start. Slack is asked only about somebody not remembered.

    Raises:
        Refused: no phase is started in a direct message, or none by this person.
    """
    workspace_id, channel_id = request.workspace_id, request.channel_id or ""
    if channel_id.startswith("D"):
        raise Refused(IN_A_DM)
    client = services.client_for(workspace_id)
    lead = await services.people.one(client, workspace_id, request.user_id)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, workspace_id)
    await _refuse_others(services, request, lead, settings)
    assert lead is not None  # else refused, being no full member
    zone = lead.zone or settings.default_zone
    return EligibleLead(
        workspace_id=workspace_id,
        channel_id=channel_id,
        lead=lead,
        zone=zone,
        today=services.clock.now().astimezone(zone_of(zone)).date(),
        settings=settings,
    )


async def eligible_channel(
    services: Services, request: Request, eligible: EligibleLead | None = None
) -> EligibleChannel:
    """The channel as Slack shows it now. `eligible` is the lead where they were read before.

    Raises:
        Refused: nobody may start a phase here, or this person may not.
    """
    eligible = eligible or await eligible_lead(services, request)
    workspace_id = eligible.workspace_id
    client = services.client_for(workspace_id)
    there = (services.reads, client, workspace_id, eligible.channel_id)
    channel, ids = await asyncio.gather(channel_of(*there), _member_ids(*there))
    if channel is None or (channel.is_private and not channel.is_member):
        raise Refused(INVITE_ME)
    if channel.is_archived:
        raise Refused(ARCHIVED)
    if request.user_id not in ids:
        raise Refused(NOT_IN_CHANNEL)
    return EligibleChannel(
        workspace_id=workspace_id,
        channel_id=channel.channel_id,
        lead=eligible.lead,
        zone=eligible.zone,
        today=eligible.today,
        settings=eligible.settings,
        channel=channel,
        member_ids=tuple(ids),
    )


async def with_team(services: Services, scene: EligibleChannel, draft: Draft) -> Draft:
    """The draft with the channel's colleagues as its team, or to be chosen by hand if many."""
    if draft.members is not None:
        return draft
    people = await _team(services, scene)
    if not 0 < len(people) <= TEAM:
        return _changed(draft, (), by_hand=True)
    return _changed(draft, tuple(one for one in people if one != scene.lead.user_id))


async def wrong_people(services: Services, scene: EligibleChannel, draft: Draft) -> dict[str, str]:
    """Who cannot be of the team, lead, or take work back; sentences by the form's field names."""
    owners = {f"owner.{number}": (row.owner_id,) for number, row in enumerate(draft.rows)}
    chosen = {"members": draft.members or (), "co_leads": draft.co_leads}
    fields = {**chosen, **{name: ids for name, ids in owners.items() if ids[0]}}
    everybody = {one for ids in fields.values() for one in ids if one}
    people = await _people(services, scene.workspace_id, everybody)
    found = {}
    for name, ids in fields.items():
        wrong = _not_colleagues(people, [one for one in ids if one])
        away = [] if name.startswith("owner.") else _not_in(scene, people, ids)
        if wrong:
            found[name] = NOT_COLLEAGUES.format(names=wrong)
        elif away:
            found[name] = NOT_READING.format(names=away)
    return found


async def names_of(services: Services, workspace_id: str, ids: Iterable[str]) -> dict[str, str]:
    """Display names by id, of those whom Slack knows."""
    people = await _people(services, workspace_id, ids)
    return {user_id: person.name for user_id, person in people.items()}


async def join(services: Services, scene: EligibleChannel) -> None:
    """Come into a public channel, to be able to speak there.

    Raises:
        Refused: Slack does not let us.
    """
    if scene.channel.is_member:
        return
    client = services.client_for(scene.workspace_id)
    try:
        await client.conversations_join(channel=scene.channel.channel_id)
    except SlackApiError as error:
        log.warning("channel_not_joined", reason=reason_of(error))
        raise Refused(CANNOT_JOIN.format(reason=reason_of(error))) from error


async def _refuse_others(
    services: Services, request: Request, person: Person | None, settings: WorkspaceSettings
) -> None:
    actor = Actor(
        user_id=request.user_id,
        is_full_member=person is not None and person.is_full_member,
        is_admin=person is not None and person.is_admin,
    )
    starters = settings.starters or ()
    names = await names_of(services, request.workspace_id, starters) if starters else {}
    shown = quote(together([*names.values()]))
    refusal = rules.refusal_to_start_at_all(actor, Limits.of(settings), shown)
    if refusal is not None:
        raise Refused(refusal.text)


async def _member_ids(
    reads: ThrottledReads, client: AsyncWebClient, workspace_id: str, channel_id: str
) -> list[str]:
    """Nobody, where we may not see the channel; `channel_of` tells that."""
    try:
        return await member_ids(reads, client, workspace_id, channel_id)
    except SlackApiError as error:
        if reason_of(error) != "channel_not_found":
            raise
        return []


async def _team(services: Services, scene: EligibleChannel) -> list[str]:
    """The channel's colleagues; nobody where it is too large, or Slack does not say."""
    if len(scene.member_ids) > LOOKED_AT:
        return []
    try:
        people = await _people(services, scene.workspace_id, scene.member_ids)
    except SlackApiError as error:
        log.warning("team_not_read", reason=reason_of(error))
        return []
    return [user_id for user_id, person in people.items() if person.is_full_member]


async def _people(
    services: Services, workspace_id: str, ids: Iterable[str]
) -> Mapping[str, Person]:
    return await services.people.of(services.client_for(workspace_id), workspace_id, ids)


def _changed(draft: Draft, members: tuple[str, ...], *, by_hand: bool = False) -> Draft:
    return replace(draft, members=members, choose_team=by_hand)


def _not_colleagues(people: Mapping[str, Person], ids: Sequence[str]) -> str:
    wrong = [one for one in ids if one not in people or not people[one].is_full_member]
    return _named(people, wrong)


def _not_in(scene: EligibleChannel, people: Mapping[str, Person], ids: Iterable[str | None]) -> str:
    return _named(people, [one for one in ids if one and one not in scene.member_ids])


def _named(people: Mapping[str, Person], ids: Sequence[str]) -> str:
    return together([people[one].name if one in people else one for one in ids])
