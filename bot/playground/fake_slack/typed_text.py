"""Slack's treatment of typed text: names become mentions, the rest is escaped."""

import re

from bot.playground.fake_slack.model import Conversation, User
from bot.playground.fake_slack.workspace import Workspace

#: A mention as inserted by the composer's menu.
_PICKED = re.compile(r"<(?P<kind>[@#])(?P<id>[A-Z0-9]+)(\|[^>]*)?>")
_URL = re.compile(r"(?<![<\w])https?://[^\s<>|]+")


def escaped(text: str) -> str:
    """Return text escaped the way Slack escapes text that is not markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def composed(workspace: Workspace, text: str) -> str:
    """Return typed text as apps receive it.

    `@Ben` becomes `<@U0BEN>`, and `#launch` becomes `<#C0LAUNCH|launch>`.
    """
    names = _names(workspace)
    longest_first = sorted(names, key=len, reverse=True)
    typed = "|".join(re.escape(name) for name in longest_first)
    pattern = re.compile(rf"{_PICKED.pattern}|(?<![\w&])(?P<name>{typed})(?!\w)", re.IGNORECASE)
    done, end = "", 0
    for match in pattern.finditer(text):
        markup = _markup(workspace, names, match)
        if markup:
            done += _linked(text[end : match.start()]) + markup
            end = match.end()
    return done + _linked(text[end:])


def _linked(text: str) -> str:
    return _URL.sub(lambda match: f"<{match[0]}>", escaped(text))


def _names(workspace: Workspace) -> dict[str, str]:
    """Return the names that can be typed for people and channels, in lower case."""
    names = {}
    for channel in workspace.conversations.values():
        if not channel.is_im:
            names[f"#{channel.name}"] = _channel(channel)
    for user in workspace.users.values():
        for name in filter(None, (user.name, user.real_name)):
            names[f"@{name.lower()}"] = _user(user)
    return names


def _markup(workspace: Workspace, names: dict[str, str], found: re.Match[str]) -> str | None:
    if found["name"]:
        return names[found["name"].lower()]
    if found["kind"] == "@" and found["id"] in workspace.users:
        return _user(workspace.users[found["id"]])
    if found["kind"] == "#" and found["id"] in workspace.conversations:
        return _channel(workspace.conversations[found["id"]])
    return None


def _user(user: User) -> str:
    return f"<@{user.id}>"


def _channel(channel: Conversation) -> str:
    """Return the markup of a channel; that of a private one is its id alone."""
    return f"<#{channel.id}|{'' if channel.is_private else channel.name}>"
