"""The start form, and the beginning of a phase."""

from bot.start.draft_store import ACTIONS
from bot.start.handlers import register

__all__ = ["ACTIONS", "register"]
