"""Decisions in the middle of a phase: whether it goes on, changes, or ends."""

from bot.decisions import lifecycle
from bot.decisions.handlers import register

ACTIONS = lifecycle.ACTIONS

__all__ = ["ACTIONS", "register"]
