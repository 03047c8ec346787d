"""Comparison of a phase's channel as it is now with its team as it was.

Slack tells who comes and who goes, in any order, and not at all while nobody was there to hear it.
So it is asked, and what it says is compared with whom we know: the team, and the onlookers, who
were in the channel when the lead chose the team without them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.errors import SlackApiError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded, put_all_if_new
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.rounds import rules
from bot.rounds.rules import MembershipDiff
from bot.services import Services
from bot.slack.conversations import member_ids
from bot.slack.errors import ErrorKind, reason_of, verdict
from bot.slack.people import Person

#: Slack's own failure, which it names as if it were ours
#: (https://docs.slack.dev/reference/methods/conversations.members).
NOT_NOW = ("fetch_members_failed",)

_phases = schema.phases
_people = schema.phase_people
_onlookers = schema.non_participants


@dataclass(frozen=True, kw_only=True)
class ChannelMembership:
    """What Slack said of a channel, a moment ago."""

    there: frozenset[str]
    strangers: frozenset[str]  # of those there: neither of the team nor onlookers
    profiles: Mapping[str, Person]  # of the team and of strangers, as far as they are there


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Whom we know of a phase's channel."""

    team: Mapping[str, bool]  # everybody who was ever in it; whether they are
    onlookers: frozenset[str]
    is_followed: bool  # whether it was looked at before


async def read_channel(
    services: Services, workspace_id: str, phase_id: str
) -> ChannelMembership | None:
    """Ask Slack who is in the phase's channel. Never inside a transaction.

    None where the phase is paused, or Slack will not say who is there.

    Raises:
        SlackApiError: Slack could not say it now.
    """
    async with services.db.reading() as reader:
        phase = await phase_store.load(reader, workspace_id, phase_id)
        if phase is None or phase.is_paused:
            return None
        known = await _known(reader, workspace_id, phase)
    client = services.client_for(workspace_id)
    try:
        there = frozenset(await member_ids(services.reads, client, workspace_id, phase.channel_id))
    except SlackApiError as error:
        if verdict(error).meaning is not ErrorKind.PERMANENT or reason_of(error) in NOT_NOW:
            raise
        return None
    new = phase.is_active and known.is_followed
    strangers = there - known.team.keys() - known.onlookers if new else frozenset()
    wanted = sorted(strangers | (there & known.team.keys()))
    profiles = await services.people.of(client, workspace_id, wanted)
    return ChannelMembership(there=there, strangers=strangers, profiles=profiles)


async def apply_membership(
    tx: AsyncConnection, workspace_id: str, phase: Phase, seen: ChannelMembership, now: datetime
) -> bool:
    """Let the team be who is there; returns whether that changed it.

    The caller has locked the phase. Colleagues who join while it runs become members, or again
    what they were before they left; guests, bots and outsiders are onlookers.
    """
    if not phase.is_active:
        return False
    known = await _known(tx, workspace_id, phase)
    strangers = seen.strangers - known.team.keys() - known.onlookers
    colleagues = {one for one, person in seen.profiles.items() if person.is_full_member}
    comings = rules.membership_diff(known.team, seen.there, strangers, colleagues)
    await _keep_team(tx, workspace_id, phase.phase_id, comings, now)
    if known.is_followed:
        await _forget_onlookers(tx, workspace_id, phase.phase_id, known.onlookers - seen.there)
        await add_non_participants(tx, workspace_id, phase.phase_id, strangers - colleagues)
    else:
        await set_baseline(tx, workspace_id, phase.phase_id, seen.there - known.team.keys(), now)
    return comings.are_any


async def set_baseline(
    tx: AsyncConnection, workspace_id: str, phase_id: str, onlookers: Collection[str], now: datetime
) -> None:
    """From now on whoever comes is of the team; these were there before, and are not."""
    await tx.execute(
        update(_phases)
        .where(_phases.c.workspace_id == workspace_id, _phases.c.phase_id == phase_id)
        .values(membership_synced_at=now)
    )
    await add_non_participants(tx, workspace_id, phase_id, onlookers)


async def mark_joined(tx: AsyncConnection, workspace_id: str, phase_id: str, user_id: str) -> None:
    """Slack told that they came while the phase runs: an onlooker no longer."""
    await _forget_onlookers(tx, workspace_id, phase_id, [user_id])


async def _known(tx: AsyncConnection, workspace_id: str, phase: Phase) -> _Known:
    onlookers = await tx.scalars(
        select(_onlookers.c.user_id).where(
            _onlookers.c.workspace_id == workspace_id, _onlookers.c.phase_id == phase.phase_id
        )
    )
    return _Known(
        team={one.user_id: not one.has_left for one in phase.people},
        onlookers=frozenset(onlookers),
        is_followed=phase.membership_synced_at is not None,
    )


async def _keep_team(
    tx: AsyncConnection, workspace_id: str, phase_id: str, comings: MembershipDiff, now: datetime
) -> None:
    mine = (_people.c.workspace_id == workspace_id) & (_people.c.phase_id == phase_id)
    for who, values in (
        (comings.gone, {"left_at": now}),
        (comings.back, {"left_at": None, "joined_at": now}),
    ):
        if who:
            changed = update(_people).where(mine, _people.c.user_id.in_(padded(who)))
            await tx.execute(changed.values(**values))
    key = {"workspace_id": workspace_id, "phase_id": phase_id}
    new = [{**key, "user_id": one, "role": "member", "joined_at": now} for one in comings.new]
    if new:
        await tx.execute(insert(_people), new)


async def add_non_participants(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_ids: Collection[str]
) -> None:
    """Store who was in the channel when the lead chose the team without them."""
    key = {"workspace_id": workspace_id, "phase_id": phase_id}
    await put_all_if_new(tx, _onlookers, [{**key, "user_id": one} for one in user_ids])


async def _forget_onlookers(
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
