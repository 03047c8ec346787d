"""The announcement in the channel, its daily update, and contributions from the team."""

from bot.announcement import concerns, refresh
from bot.announcement.handlers import register

ACTIONS = (*refresh.ACTIONS, *concerns.ACTIONS)

__all__ = ["ACTIONS", "register"]
