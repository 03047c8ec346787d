"""The people of a phase's channel, and how many of them are in the phase's team."""

from dataclasses import dataclass

from slack_sdk.errors import SlackApiError

from bot.log import log
from bot.phases.model import Phase
from bot.results import store
from bot.services import Services
from bot.slack.conversations import TooManyMembers, fetch_member_ids
from bot.slack.errors import ErrorKind, classify, reason_of

#: Apps that a channel may have beside its people; with more of them, its people are not counted.
MOST_APPS = 20


@dataclass(frozen=True, kw_only=True)
class Audience:
    """The people a message in the channel would reach, without apps and deactivated accounts."""

    team: int  # people of the phase's team who are in the channel
    people: int  # everyone in the channel; at most this many if the team is half of it anyway


async def read_audience(services: Services, workspace_id: str, round_id: str) -> Audience | None:
    """Ask Slack who is in the channel of a round's phase. Never inside a transaction.

    Returns None where most of them are certainly not in the team, the phase is paused, or Slack
    refuses to say.

    Raises:
        SlackApiError: Slack could not answer now.
    """
    async with services.db.reading() as reader:
        phase = await store.phase_of_round(reader, workspace_id, round_id)
    if phase is None or phase.is_paused:
        return None
    team = {person.user_id for person in phase.people if not person.has_left}
    ids = await _member_ids(services, workspace_id, phase, at_most=2 * len(team) + MOST_APPS)
    if ids is None:
        return None
    there = team.intersection(ids)
    if 2 * len(there) >= len(ids):  # whoever the others are: no profile has to be read
        return Audience(team=len(there), people=len(ids))
    client = services.client_for(workspace_id)
    profiles = await services.people.get_many(client, workspace_id, ids)
    people = {
        user_id for user_id, person in profiles.items() if not (person.is_bot or person.is_deleted)
    }
    return Audience(team=len(team & people), people=len(people))


async def _member_ids(
    services: Services, workspace_id: str, phase: Phase, *, at_most: int
) -> list[str] | None:
    client = services.client_for(workspace_id)
    try:
        ids = await fetch_member_ids(
            services.reads, client, workspace_id, phase.channel_id, at_most=at_most
        )
    except TooManyMembers:
        return None
    except SlackApiError as error:
        if classify(error).kind is not ErrorKind.PERMANENT:
            raise
        log.warning("channel_not_read", workspace=workspace_id, reason=reason_of(error))
        return None
    return ids if len(ids) <= at_most else None
