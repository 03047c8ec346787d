"""App Home and help: open questions and phases of a person, and the list of commands."""

from bot.agenda.actions import AgendaAction
from bot.home.handlers import register

ACTIONS: tuple[AgendaAction, ...] = ()

__all__ = ["ACTIONS", "register"]
