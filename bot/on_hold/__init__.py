"""Work on hold during a phase: adding, bringing back, parking, proposals, and looking it up."""

from bot.on_hold import parked
from bot.on_hold.handlers import register

ACTIONS = parked.ACTIONS

__all__ = ["ACTIONS", "register"]
