"""The results of a closed round: what may be shown of it, to whom, and when."""

from bot.results.handlers import register
from bot.results.lifecycle import ACTIONS

__all__ = ["ACTIONS", "register"]
