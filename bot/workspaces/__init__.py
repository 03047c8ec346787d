"""Workspaces: installation, settings, who may change them, and their people."""

from bot.workspaces import lifecycle, token_health
from bot.workspaces.handlers import register

ACTIONS = (*lifecycle.ACTIONS, *token_health.ACTIONS)

__all__ = ["ACTIONS", "register"]
