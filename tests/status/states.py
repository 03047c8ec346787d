"""A channel's state as one person sees it."""

from typing import Any

from bot.phases.model import Phase
from bot.status.model import ChannelState
from tests.announcement.phases import TODAY
from tests.harness import LAUNCH


def state_of(phase: Phase | None, **changes: Any) -> ChannelState:
    """The state for a person in the team who may start phases and manages none."""
    values = {
        "channel_id": LAUNCH,
        "phase": phase,
        "today": TODAY,
        "is_full_member": True,
        "is_in_team": phase is not None,
        "may_manage": False,
        "refusal_to_start": None,
        **changes,
    }
    return ChannelState(**values)
