"""The habits of a trust-building phase: how the team works, and mistakes that taught something."""

from bot.agenda.actions import AgendaAction
from bot.habits.handlers import register

ACTIONS: tuple[AgendaAction, ...] = ()

__all__ = ["ACTIONS", "register"]
