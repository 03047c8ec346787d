"""Eligibility to start a phase in a channel, with every reason against it.

The person is stored, as a rule; the state of the channel is known to Slack alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.agenda.slots import zone_of
from bot.agenda.work_calendar import WorkCalendar
from bot.log import log
from bot.phases.permissions import (
    IN_A_DIRECT_MESSAGE,
    actor_from,
    refusal_to_start,
    require_channel,
)
from bot.phases.wording import one_or_many
from bot.services import Services
from bot.slack.conversations import (
    Channel,
    TooManyMembers,
    fetch_channel,
    fetch_member_ids,
    is_of_direct_message,
)
from bot.slack.errors import Refused, reason_of
from bot.slack.mrkdwn import channel as mrkdwn_channel
from bot.slack.mrkdwn import join_names
from bot.slack.people import Person
from bot.slack.request import Request
from bot.slack.throttled_reads import ThrottledReads
from bot.start import wording
from bot.start.draft import Draft
from bot.workspaces.public_holidays import calendar_of
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import settings_and_person

#: A larger team is chosen by hand; a channel's guests and apps come on top.
TEAM, LOOKED_AT = 12, 20
#: Members of a channel that can be read while somebody waits: ten pages, a good second.
MOST_MEMBERS = 9_990


@dataclass(frozen=True, kw_only=True)
class EligibleLead:
    """A person who may start phases in this workspace; the channel was not read."""

    workspace_id: str
    channel_id: str
    lead: Person
    zone: str
    today: date  # in the lead's zone
    settings: WorkspaceSettings

    @property
    def calendar(self) -> WorkCalendar:
        """The working days of the workspace."""
        return calendar_of(self.settings.country)


@dataclass(frozen=True, kw_only=True)
class EligibleChannel(EligibleLead):
    """A channel, and a full member of it who may start a phase there."""

    channel: Channel
    member_ids: tuple[str, ...]  # of the channel, apps and guests included


async def eligible_lead(services: Services, request: Request) -> EligibleLead:
    """Return the person who wants to start. Slack is asked only about somebody not stored.

    Raises:
        Refused: no phase is started in a direct message, or none by this person.
    """
    workspace_id, channel_id = request.workspace_id, request.channel_id or ""
    require_channel(request)
    async with services.db.reading() as reader:
        settings, lead = await settings_and_person(reader, workspace_id, request.user_id)
    if lead is None:
        client = services.client_for(workspace_id)
        lead = await services.people.get(client, workspace_id, request.user_id)
    actor = actor_from(request.user_id, lead)
    refusal = await refusal_to_start(services, workspace_id, actor, settings)
    if refusal is not None:
        raise Refused(refusal)
    assert lead is not None  # otherwise refused: no full member
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
    """Return the channel as Slack shows it now. `eligible` is the lead where they were read before.

    Raises:
        Refused: nobody may start a phase here, or this person may not.
    """
    eligible = eligible or await eligible_lead(services, request)
    workspace_id = eligible.workspace_id
    client = services.client_for(workspace_id)
    of_channel = (services.reads, client, workspace_id, eligible.channel_id)
    channel, user_ids = await asyncio.gather(fetch_channel(*of_channel), _member_ids(*of_channel))
    if channel is not None and channel.is_direct:
        raise Refused(IN_A_DIRECT_MESSAGE)
    if channel is None or (channel.is_private and not channel.is_member):
        raise Refused(wording.INVITE_ME)
    if channel.is_archived:
        raise Refused(wording.ARCHIVED)
    if request.user_id not in user_ids:
        raise Refused(wording.NOT_IN_CHANNEL)
    return EligibleChannel(
        workspace_id=workspace_id,
        channel_id=channel.channel_id,
        lead=eligible.lead,
        zone=eligible.zone,
        today=eligible.today,
        settings=eligible.settings,
        channel=channel,
        member_ids=tuple(user_ids),
    )


async def with_team(services: Services, eligible: EligibleChannel, draft: Draft) -> Draft:
    """Return the draft with the channel's colleagues as its team; to be chosen by hand if many.

    Raises:
        Refused: nobody but the lead could be on the team.
    """
    if draft.members is not None:
        return draft
    people = await _team(services, eligible)
    if not 0 < len(people) <= TEAM:
        return _with_members(draft, (), by_hand=True)
    members = tuple(user_id for user_id in people if user_id != eligible.lead.user_id)
    if not members:
        raise Refused(wording.ALONE.format(channel=mrkdwn_channel(eligible.channel_id)))
    return _with_members(draft, members)


async def people_errors(
    services: Services, eligible: EligibleChannel, draft: Draft
) -> dict[str, str]:
    """Return errors by field: people who cannot be in the team, lead, or take work back."""
    owners = {f"owner.{number}": (row.owner_id,) for number, row in enumerate(draft.rows)}
    chosen = {"members": draft.members or (), "co_leads": draft.co_leads}
    fields = {**chosen, **{name: ids for name, ids in owners.items() if ids[0]}}
    everybody = {user_id for ids in fields.values() for user_id in ids if user_id}
    people = await _people(services, eligible.workspace_id, everybody)
    errors = {}
    for name, ids in fields.items():
        not_colleagues = _not_colleagues(people, [user_id for user_id in ids if user_id])
        is_reader = not name.startswith("owner.")
        absent = [user for user in ids if is_reader and user not in eligible.member_ids]
        if not_colleagues:
            errors[name] = wording.NOT_COLLEAGUES.format(names=not_colleagues)
        elif absent:
            template = one_or_many(len(absent), wording.ONE_NOT_READING, wording.NOT_READING)
            errors[name] = template.format(names=_named(people, [user for user in absent if user]))
    return errors


async def names_of(services: Services, workspace_id: str, ids: Iterable[str]) -> dict[str, str]:
    """Return display names by id, of those whom Slack knows."""
    people = await _people(services, workspace_id, ids)
    return {user_id: person.name for user_id, person in people.items()}


async def join(services: Services, eligible: EligibleChannel) -> None:
    """Join a public channel, to be able to post there.

    Raises:
        Refused: Slack does not let us.
    """
    if eligible.channel.is_member:
        return
    client = services.client_for(eligible.workspace_id)
    try:
        await client.conversations_join(channel=eligible.channel.channel_id)
    except SlackApiError as error:
        log.warning("channel_not_joined", reason=reason_of(error))
        raise Refused(wording.CANNOT_JOIN.format(reason=reason_of(error))) from error


async def _member_ids(
    reads: ThrottledReads, client: AsyncWebClient, workspace_id: str, channel_id: str
) -> list[str]:
    """Return nobody where we may not see the channel; `fetch_channel` reports that.

    Raises:
        Refused: there are too many.
    """
    try:
        return await fetch_member_ids(reads, client, workspace_id, channel_id, at_most=MOST_MEMBERS)
    except TooManyMembers:
        raise Refused(wording.TOO_LARGE.format(most=MOST_MEMBERS)) from None
    except SlackApiError as error:
        if reason_of(error) != "channel_not_found" and not is_of_direct_message(error):
            raise
        return []


async def _team(services: Services, eligible: EligibleChannel) -> list[str]:
    """Return the channel's colleagues; nobody where it is too large, or Slack does not say."""
    if len(eligible.member_ids) > LOOKED_AT:
        return []
    try:
        people = await _people(services, eligible.workspace_id, eligible.member_ids)
    except SlackApiError as error:
        log.warning("team_not_read", reason=reason_of(error))
        return []
    return [user_id for user_id, person in people.items() if person.is_full_member]


async def _people(
    services: Services, workspace_id: str, ids: Iterable[str]
) -> Mapping[str, Person]:
    return await services.people.get_many(services.client_for(workspace_id), workspace_id, ids)


def _with_members(draft: Draft, members: tuple[str, ...], *, by_hand: bool = False) -> Draft:
    return replace(draft, members=members, team_by_hand=by_hand)


def _not_colleagues(people: Mapping[str, Person], ids: Sequence[str]) -> str:
    wrong = [
        user_id for user_id in ids if user_id not in people or not people[user_id].is_full_member
    ]
    return _named(people, wrong)


def _named(people: Mapping[str, Person], ids: Sequence[str]) -> str:
    return join_names([people[user_id].name if user_id in people else user_id for user_id in ids])
