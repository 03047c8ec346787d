"""The status card of a channel, and its budget of results sprints."""

from bot.agenda.actions import AgendaAction
from bot.status.handlers import register

ACTIONS: tuple[AgendaAction, ...] = ()

__all__ = ["ACTIONS", "register"]
