"""Comparison of a phase's channel as it is now with its team as it was.

Slack reports joins and departures in any order, and those during downtime not at all. So Slack is
asked for the members, who are compared with the people known already: the team, and the onlookers,
who were in the channel when the lead chose the team without them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import insert_all_if_new, padded
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.rounds import rules, store
from bot.rounds.rules import MembershipDiff
from bot.services import Services
from bot.slack.conversations import fetch_member_ids
from bot.slack.errors import ErrorKind, classify, reason_of
from bot.slack.people import Person

#: A failure on Slack's side, although its name suggests one on ours
#: (https://docs.slack.dev/reference/methods/conversations.members).
TRANSIENT_ERRORS = ("fetch_members_failed",)
#: After an action that is later than this the bot was down, and Slack's events may still be coming.
MAY_HAVE_MISSED_EVENTS = timedelta(minutes=1)

_phases = schema.phases
_people = schema.phase_people
_onlookers = schema.non_participants


@dataclass(frozen=True, kw_only=True)
class ChannelMembership:
    """A channel's members, as Slack reported them a moment ago."""

    member_ids: frozenset[str]
    newcomers: frozenset[str]  # of those there: neither in the team nor onlookers
    profiles: Mapping[str, Person]  # of those there: the team and the strangers


@dataclass(frozen=True, kw_only=True)
class _KnownPeople:
    """The people already stored for a phase's channel."""

    team: Mapping[str, bool]  # everybody who was ever in it -> whether they are now
    onlookers: frozenset[str]
    is_synced: bool  # whether the channel was read before
    is_roster_fixed: bool  # whether a round was opened


async def read_channel(
    services: Services, workspace_id: str, phase_id: str
) -> ChannelMembership | None:
    """Ask Slack who is in the phase's channel. Never inside a transaction.

    Returns None where the phase is paused, or Slack refuses to say who is there.

    Raises:
        SlackApiError: Slack could not answer now.
    """
    async with services.db.reading() as reader:
        phase = await phase_store.load(reader, workspace_id, phase_id)
        if phase is None or phase.is_paused:
            return None
        known = await _known_people(reader, workspace_id, phase)
    client = services.client_for(workspace_id)
    try:
        there = frozenset(
            await fetch_member_ids(services.reads, client, workspace_id, phase.channel_id)
        )
    except SlackApiError as error:
        if classify(error).kind is not ErrorKind.PERMANENT or reason_of(error) in TRANSIENT_ERRORS:
            raise
        return None
    may_grow = phase.is_active and known.is_synced
    strangers = there - known.team.keys() - known.onlookers if may_grow else frozenset()
    user_ids = sorted(strangers | (there & known.team.keys()))
    profiles = await services.people.get_many(client, workspace_id, user_ids)
    return ChannelMembership(member_ids=there, newcomers=strangers, profiles=profiles)


async def apply_membership(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    channel_members: ChannelMembership,
    now: datetime,
) -> bool:
    """Update the team from the channel's members; return whether that changed it.

    The caller has locked the phase. Colleagues who join while it runs become members, or regain the
    role they had before they left; guests, bots and outsiders are onlookers. After its end people
    only leave and return: they are to get no results once they have left.
    """
    known = await _known_people(tx, workspace_id, phase)
    strangers = (
        channel_members.newcomers - known.team.keys() - known.onlookers
        if phase.is_active
        else frozenset()
    )
    colleagues = {
        user_id for user_id, person in channel_members.profiles.items() if person.is_full_member
    }
    diff = rules.membership_diff(known.team, channel_members.member_ids, strangers, colleagues)
    await _store_team(tx, workspace_id, phase.phase_id, diff, known, now)
    if not phase.is_active:
        return diff.has_changes
    if known.is_synced:
        await _delete_onlookers(
            tx, workspace_id, phase.phase_id, known.onlookers - channel_members.member_ids
        )
        await add_non_participants(tx, workspace_id, phase.phase_id, strangers - colleagues)
    else:
        await set_baseline(
            tx, workspace_id, phase.phase_id, channel_members.member_ids - known.team.keys(), now
        )
    return diff.has_changes


async def with_current_team(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    channel_members: ChannelMembership,
    now: datetime,
) -> Phase:
    """Update the team from the channel's members; return the phase, the same where nothing changed.

    The caller has locked the phase.
    """
    if not await apply_membership(tx, workspace_id, phase, channel_members, now):
        return phase
    changed = await phase_store.load(tx, workspace_id, phase.phase_id)
    assert changed is not None  # its row is locked
    return changed


async def store_roster(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_ids: Collection[str]
) -> None:
    """Store that these members have a place among the people asked, and no others."""
    await tx.execute(
        update(_people)
        .where(_people.c.workspace_id == workspace_id, _people.c.phase_id == phase_id)
        .where(_people.c.role == "member")
        .values(is_on_roster=_people.c.user_id.in_(padded(user_ids)))
    )


async def set_baseline(
    tx: AsyncConnection,
    workspace_id: str,
    phase_id: str,
    non_participants: Collection[str],
    now: datetime,
) -> None:
    """Record that the channel was read: whoever joins from now on is in the team.

    The onlookers were there before, and are not.
    """
    await tx.execute(
        update(_phases)
        .where(_phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id)
        .values(membership_synced_at=now)
    )
    await add_non_participants(tx, workspace_id, phase_id, non_participants)


async def remove_non_participant(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_id: str
) -> None:
    """Delete an onlooker: Slack reported that they joined while the phase runs."""
    await _delete_onlookers(tx, workspace_id, phase_id, [user_id])


async def _known_people(tx: AsyncConnection, workspace_id: str, phase: Phase) -> _KnownPeople:
    onlookers = await tx.scalars(
        select(_onlookers.c.user_id).where(
            _onlookers.c.workspace_id == workspace_id, _onlookers.c.phase_id == phase.phase_id
        )
    )
    return _KnownPeople(
        team={person.user_id: not person.has_left for person in phase.people},
        onlookers=frozenset(onlookers),
        is_synced=phase.membership_synced_at is not None,
        is_roster_fixed=bool(await store.earlier_rounds(tx, workspace_id, phase.phase_id)),
    )


async def _store_team(
    tx: AsyncConnection,
    workspace_id: str,
    phase_id: str,
    diff: MembershipDiff,
    known: _KnownPeople,
    now: datetime,
) -> None:
    """Store who came and went; it changes who has a place on the roster until that is fixed."""
    lost, gained = (
        ({}, {}) if known.is_roster_fixed else ({"is_on_roster": False}, {"is_on_roster": True})
    )
    in_phase = (_people.c.workspace_id == workspace_id) & (_people.c.phase_id == phase_id)
    for user_ids, values in (
        (diff.departed, {"left_at": now, **lost}),
        (diff.returned, {"left_at": None, "joined_at": now, **gained}),
    ):
        if user_ids:
            statement = update(_people).where(in_phase, _people.c.user_id.in_(padded(user_ids)))
            await tx.execute(statement.values(**values))
    key = {"workspace_id": workspace_id, "phase_id": phase_id}
    added = {"role": "member", "joined_at": now, "is_on_roster": not known.is_roster_fixed}
    new = [{**key, "user_id": user_id, **added} for user_id in diff.new]
    if new:
        await tx.execute(insert(_people), new)


async def add_non_participants(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_ids: Collection[str]
) -> None:
    """Store the people who were in the channel when the lead chose the team without them."""
    key = {"workspace_id": workspace_id, "phase_id": phase_id}
    await insert_all_if_new(tx, _onlookers, [{**key, "user_id": user_id} for user_id in user_ids])


async def _delete_onlookers(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_ids: Collection[str]
) -> None:
    if user_ids:
        await tx.execute(
            delete(_onlookers).where(
                _onlookers.c.workspace_id == workspace_id,
                _onlookers.c.phase_id == phase_id,
                _onlookers.c.user_id.in_(padded(user_ids)),
            )
        )
