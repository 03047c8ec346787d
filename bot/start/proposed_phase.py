"""A proposal as the phase it would be: for the preview, and for the rows when it starts."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Any

from bot.decisions.rules import decision_day
from bot.phases.model import Participant, Phase, SetAsideItem, listing_order
from bot.phases.privacy import minimum_for
from bot.phases.rules import PhaseKind, Proposal, recovery_until
from bot.rounds.rules import plan
from bot.workspaces.public_holidays import calendar_of
from bot.workspaces.rules import WorkspaceSettings

LEAD, MEMBER = "lead", "member"


def phase_preview(
    proposal: Proposal, names: Mapping[str, str], now: datetime, settings: WorkspaceSettings
) -> Phase:
    """Return the phase, had it started now. `names` are of people by id."""
    unset = dict.fromkeys(
        phase_field.name
        for phase_field in fields(Phase)
        if phase_field.default is MISSING and phase_field.name != "settings"
    )
    people = (
        Participant(
            user_id=user_id,
            name=names.get(user_id, user_id),
            zone=None,
            is_lead=role == LEAD,
            has_left=False,
            contribution=None,
            thanks_line=None,
        )
        for user_id, role in roles_of(proposal)
    )
    return Phase(
        **{
            **unset,
            **values_of(proposal, now, settings),
            "phase_id": "preview",
            "is_active": True,
            "people": tuple(sorted(people, key=listing_order)),
            "set_aside_items": tuple(_items(proposal, names)),
            "settings": settings,
            "calendar": calendar_of(settings.country),
        }
    )


def values_of(proposal: Proposal, now: datetime, settings: WorkspaceSettings) -> dict[str, Any]:
    """Return what is stored of a phase when it starts, except its id and state."""
    is_sprint = proposal.kind is PhaseKind.RESULTS_SPRINT
    return {
        "channel_id": proposal.channel_id,
        "kind": proposal.kind,
        "lead_id": proposal.lead_id,
        "zone": proposal.zone,
        "milestone": proposal.milestone,
        "promise": proposal.promise,
        "stop_if_on": _stop_if_on(proposal, settings),
        "justification": proposal.justification or None,
        "difference": proposal.difference or None,
        "team_said": proposal.team_said,
        "started_at": now,
        "starts_on": proposal.starts_on,
        "ends_on": proposal.ends_on,
        "original_ends_on": proposal.ends_on,
        "recovery_until": recovery_until(proposal.span) if is_sprint else None,
        "weekday": proposal.weekday,
        "time_of_day": proposal.time_of_day,
        "remind": proposal.remind,
        "comments_to": proposal.comments_to,
    }


def _stop_if_on(proposal: Proposal, settings: WorkspaceSettings) -> date | None:
    """Return the day on which the leads decide about `stop_if`; None: it is empty."""
    if not proposal.promise.stop_if:
        return None
    calendar = calendar_of(settings.country)
    members = [role for _, role in roles_of(proposal) if role == MEMBER]
    is_asked = minimum_for(len(members), *settings.minimums) is not None
    rounds = plan(
        proposal.starts_on, proposal.ends_on, proposal.weekday, proposal.time_of_day, calendar
    )
    days = [planned.on for planned in rounds] if is_asked else []
    return decision_day(proposal.stop_if_on, proposal.span, days, calendar)


def roles_of(proposal: Proposal) -> list[tuple[str, str]]:
    """Return everyone in the phase, once, with their role; a lead is no member."""
    roles = {user_id: MEMBER for user_id in proposal.member_ids}
    return list({**roles, **dict.fromkeys(proposal.lead_ids, LEAD)}.items())


def _items(proposal: Proposal, names: Mapping[str, str]) -> Iterable[SetAsideItem]:
    for position, item in enumerate(proposal.set_aside):
        yield SetAsideItem(
            position=position,
            text=item.text,
            owner_id=item.owner_id,
            owner_name=names.get(item.owner_id, ""),
            outcome=None,
            parked_until=None,
        )
