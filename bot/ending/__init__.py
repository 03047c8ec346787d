"""The end of a phase: extension, end, wrap-up and goodbyes."""

from bot.ending import end, extend, goodbyes
from bot.ending.handlers import register

ACTIONS = (*extend.ACTIONS, *end.ACTIONS, *goodbyes.ACTIONS)

__all__ = ["ACTIONS", "register"]
