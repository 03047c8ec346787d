"""The phases that a channel has had: for one person who is in it, in a form of their own."""

from bot.agenda.actions import AgendaAction
from bot.history.handlers import register

ACTIONS: tuple[AgendaAction, ...] = ()

__all__ = ["ACTIONS", "register"]
