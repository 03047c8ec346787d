"""App Home and help: what is open for a person, and what the bot can do."""

from bot.agenda.actions import AgendaAction
from bot.home.handlers import register

ACTIONS: tuple[AgendaAction, ...] = ()

__all__ = ["ACTIONS", "register"]
