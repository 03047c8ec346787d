"""Looking up whether a message's work is on hold, from the list alone, and sharing the answer."""

import re
from dataclasses import dataclass
from typing import Self

from bot.on_hold import rules
from bot.on_hold.messages import ARCHIVED, MEMBERS_ONLY, NO_PHASE, OVER
from bot.phases import store
from bot.phases.model import PauseReason, Phase, SetAsideItem
from bot.phases.permissions import actor_of
from bot.phases.rules import may_manage
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.people import stored_name
from bot.slack.request import Request

_PLACE = re.compile(r"(?P<phase>\w+):(?P<ts>\d+\.\d+)-(?P<positions>\d+(?:\.\d+)*)")


@dataclass(frozen=True, kw_only=True)
class SharePlace:
    """What *Share in Thread* shares, and where. `str` gives the button's value."""

    phase_id: str
    thread_ts: str
    positions: tuple[int, ...]

    def __str__(self) -> str:
        positions = ".".join(map(str, self.positions))
        return f"{self.phase_id}:{self.thread_ts}-{positions}"

    @classmethod
    def parse(cls, value: str) -> Self:
        """Return the place in a button's value.

        Raises:
            Refused: it is none of ours.
        """
        match = _PLACE.fullmatch(value)
        if match is None:
            raise Refused(UNKNOWN_TEXT)
        positions = tuple(map(int, match["positions"].split(".")))
        return cls(phase_id=match["phase"], thread_ts=match["ts"], positions=positions)


async def phase_of_channel(services: Services, request: Request) -> Phase:
    """Return the phase that runs in the channel of the message, for a full member.

    Raises:
        Refused: there is none, the channel is archived, or the person is a guest or an outsider.
    """
    await _require_full_member(services, request)
    async with services.db.reading() as reader:
        phase = await store.active_in(reader, request.workspace_id, request.channel_id or "")
    if phase is None:
        raise Refused(NO_PHASE)
    if phase.pause_reason == PauseReason.ARCHIVED:
        raise Refused(ARCHIVED)
    return phase


def items_named_in(phase: Phase, message: str) -> tuple[SetAsideItem, ...]:
    """Return the first few items of the phase that a message names."""
    return rules.items_named_in(message, phase.set_aside_items)[: rules.FOUND_LIMIT]


async def items_to_share(
    services: Services, request: Request, place: SharePlace
) -> tuple[Phase, tuple[SetAsideItem, ...], str]:
    """Return the phase, the items as they are now, and the name of the person who shares them.

    Raises:
        Refused: the phase is not this channel's or has ended, or the person is no full member.
    """
    await _require_full_member(services, request)
    async with services.db.reading() as reader:
        phase = await store.load(reader, request.workspace_id, place.phase_id)
        by = await stored_name(reader, request.workspace_id, request.user_id)
    if phase is None or phase.channel_id != request.channel_id:
        raise Refused(UNKNOWN_TEXT)
    if not phase.is_active:
        raise Refused(OVER)
    items = tuple(item for item in phase.set_aside_items if item.position in place.positions)
    if not items:
        raise Refused(UNKNOWN_TEXT)
    return phase, items, by


async def may_change_list(services: Services, request: Request) -> bool:
    """Return whether this person manages the target phase, and is no member who would propose."""
    actor = await actor_of(services, request)
    async with services.db.reading() as reader:
        phase = await store.load(reader, request.workspace_id, request.target_id)
    if phase is None:
        return False
    is_member = phase.has_participant(actor.user_id) and not phase.is_led_by(actor.user_id)
    return may_manage(actor, phase.lead_ids) and not is_member


async def _require_full_member(services: Services, request: Request) -> None:
    actor = await actor_of(services, request)
    if not actor.is_full_member:
        raise Refused(MEMBERS_ONLY)
