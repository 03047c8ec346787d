"""Problems with a channel, its members or a delivery, and their consequences for the phase."""

from bot.channel_health import delivery_failures, membership_events, unreachable_people
from bot.channel_health.handlers import register

ACTIONS = (*membership_events.ACTIONS, *delivery_failures.ACTIONS, *unreachable_people.ACTIONS)

__all__ = ["ACTIONS", "register"]
