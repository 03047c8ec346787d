"""The audit log in words: for admins in Slack, and for operators on the command line. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.views import View

from bot.slack.content import context, paragraphs, plain
from bot.slack.ids import is_person
from bot.slack.mrkdwn import date_token, mention, quote, truncated
from bot.workspaces.messages import NAMES
from bot.workspaces.store import OPERATOR, AuditEntry

TITLE = "Audit log"
MOST_ENTRIES = 50
LONGEST_CHANGE = 200
ABOUT = "What leads, admins and operators changed, newest first. Answers are never in it."
NONE = "Nothing has been changed yet."
OLDER = "Older entries: whoever runs this bot can print them with `imbalance audit`."
LINE = "{at}: {who} {did}"
AN_OPERATOR = "an operator"
NOBODY = "the bot"
DEFAULT = "default"
#: What was done, by the action of the entry.
DONE = {
    "settings": "changed the setting “{setting}”: {change}",
    "start_phase": "started a phase ({change})",
    "extend": "extended a phase ({change})",
    "end": "ended a phase ({change})",
    "wrap_up": "wrapped a phase up",
    "message": "decided about a message ({change})",
}
OTHER = "did “{action}” ({change})"


def build(entries: Sequence[AuditEntry]) -> View:
    """Build the view with the newest entries."""
    shown = entries[:MOST_ENTRIES]
    blocks = [context(ABOUT), *(paragraphs(map(_line, shown)) or paragraphs([NONE]))]
    if len(entries) > len(shown):
        blocks.append(context(OLDER))
    return View(type="modal", title=plain(TITLE), close=plain("Back"), blocks=blocks)


def change_of(entry: AuditEntry) -> str:
    """Return what an entry changed, such as "6 → 8"; empty if it only records that it happened."""
    if entry.action == "settings":  # only what differs from the defaults is stored
        before, after = (
            DEFAULT if value is None else _value(value) for value in (entry.before, entry.after)
        )
        return f"{before} → {after}"
    return " → ".join(_value(value) for value in (entry.before, entry.after) if value is not None)


def _line(entry: AuditEntry) -> str:
    did = DONE.get(entry.action, OTHER).format(
        setting=NAMES.get(entry.subject, entry.subject),
        action=entry.action,
        change=quote(truncated(change_of(entry), LONGEST_CHANGE)),
    )
    return LINE.format(at=date_token(entry.at), who=_who(entry.actor_id), did=did)


def _who(actor_id: str) -> str:
    if actor_id == OPERATOR:
        return AN_OPERATOR
    return mention(actor_id) if is_person(actor_id) else NOBODY


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(part)}" for name, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
