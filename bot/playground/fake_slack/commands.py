"""Slash commands: those of the app, which it must acknowledge, and a few of Slack's own."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.playground.fake_slack import (
    example_workspace,
    payloads,
    responses,
    typed_text,
    workspace_changes,
)
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json

UNKNOWN = "{command} is not a valid command."
OUTSIDER = "{command} is not available to people of other organisations."
FAILED = '{command} failed with the error "{error}".'
NOBODY = "Name somebody: {command} @name."
_MENTION = re.compile(r"<@(\w+)>")


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """The outcome of a command."""

    status: int  # 200, or 0 if the app was not called or did not respond
    body: Json  # of the acknowledgement
    error: str = ""  # Slack's name of the error
    told: str = ""  # the text that Slack itself shows for it

    @property
    def text(self) -> str:
        """Return what the person reads: the text of the response, or Slack's own."""
        return str(self.body.get("text") or self.told)


async def run(
    core: Core, user_id: str, conversation: Conversation, name: str, text: str
) -> CommandResult:
    """Run a command typed in a conversation (never in a thread, where Slack refuses commands)."""
    if name in _OWN:
        return await _own(core, user_id, conversation, name, text)
    declared = core.manifest.command(name)
    if declared is None:
        return _refused("unknown_command", UNKNOWN.format(command=name))
    if not core.install.is_usable:
        return _refused("unknown_command", UNKNOWN.format(command=name))
    if not example_workspace.is_colleague(core.workspace.users[user_id]):
        return _refused("not_installed", OUTSIDER.format(command=name))
    mentions = declared.get("should_escape")  # otherwise names stay plain text
    sent = typed_text.composed(core.workspace, text) if mentions else typed_text.escaped(text)
    payload = payloads.command(core, user_id, conversation, name, sent)
    answer = await core.dispatch.request("slash_commands", payload)
    if not answer.is_ack:
        return _unanswered(name, answer)
    responses.show_answer(core, user_id, conversation, f"{name} {text}".strip(), answer.body)
    return CommandResult(status=answer.status, body=answer.body)


def _refused(error: str, told: str) -> CommandResult:
    return CommandResult(status=0, body={}, error=error, told=told)


def _unanswered(name: str, answer: AppResponse) -> CommandResult:
    error = answer.error or f"http_{answer.status}"
    text = FAILED.format(command=name, error=error)
    return CommandResult(status=answer.status, body={}, error=error, told=text)


# ------------------------------------------------------------ Slack's own


async def _own(
    core: Core, user_id: str, conversation: Conversation, name: str, text: str
) -> CommandResult:
    composed = typed_text.composed(core.workspace, text)
    whom = _MENTION.findall(composed) or ([user_id] if name in _ALONE else [])
    if not whom:
        return _refused("no_user", NOBODY.format(command=name))
    for other in whom:
        await _OWN[name](core, conversation, other, user_id)
    return CommandResult(status=200, body={})


async def _invite(core: Core, conversation: Conversation, other: str, by: str) -> None:
    await workspace_changes.wait_for_delivery(
        workspace_changes.join(core, conversation, other, inviter=by)
    )


async def _remove(core: Core, conversation: Conversation, other: str, by: str) -> None:
    await workspace_changes.wait_for_delivery(workspace_changes.leave(core, conversation, other))


async def _archive(core: Core, conversation: Conversation, other: str, by: str) -> None:
    await workspace_changes.wait_for_delivery(workspace_changes.archive(core, conversation, by))


_OWN: dict[str, Callable[[Core, Conversation, str, str], Awaitable[None]]] = {
    "/invite": _invite,
    "/kick": _remove,
    "/remove": _remove,
    "/leave": _remove,
    "/archive": _archive,
}
_ALONE = {"/leave", "/archive"}
