"""The announcement in the channel, kept up to date, and what the team adds to it."""

from bot.announcement import concerns, refresh
from bot.announcement.handlers import register

ACTIONS = (*refresh.ACTIONS, *concerns.ACTIONS)

__all__ = ["ACTIONS", "register"]
