"""Work on hold during a phase: adding, bringing back, parking, proposals, and looking it up."""

from bot.on_hold import lifecycle
from bot.on_hold.handlers import register

ACTIONS = lifecycle.ACTIONS

__all__ = ["ACTIONS", "register"]
