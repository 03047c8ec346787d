"""Rounds: who is asked the three questions, how they answer, and how a round is closed."""

from bot.rounds.handlers import register
from bot.rounds.lifecycle import ACTIONS

__all__ = ["ACTIONS", "register"]
