"""The person behind a Slack payload, and the target of their action."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.json_checks import identifier, slack_id
from bot.slack.payloads import state_values

Body = dict[str, Any]
#: Slack's names of group direct messages: mpdm-ana--ben--chiara-1. Their ids look like channels'.
GROUP_MESSAGE_PREFIX = "mpdm-"

_is_id, _is_channel = identifier(32), slack_id("CGD")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One command, button press or form submission that Bolt has authorized."""

    workspace_id: str
    user_id: str
    #: The id in the form or, outside of forms, in the pressed button: of a phase, a round, a draft,
    #: a message or a channel. Empty for a command.
    target_id: str = ""
    #: The channel in which the command was typed or the button pressed; null in App Home and in
    #: forms.
    channel_id: str | None = None
    #: Slack's name for that channel; conversations without a name of their own get one as well.
    channel_name: str = ""
    #: Channel and ts of the message that holds the button; null elsewhere.
    message: tuple[str, str] | None = None

    @property
    def is_in_direct_message(self) -> bool:
        """Return whether this comes from a direct message, with one person or with several."""
        is_direct = (self.channel_id or "").startswith("D")
        return is_direct or self.channel_name.startswith(GROUP_MESSAGE_PREFIX)

    @property
    def target_channel_id(self) -> str:
        """The channel that the pressed button carries.

        Raises:
            Refused: it carries none.
        """
        if _is_channel(self.target_id) is not None:
            raise Refused(UNKNOWN_TEXT)
        return self.target_id

    def in_target_channel(self) -> Self:
        """Return the same request in the channel that the pressed button carries.

        Raises:
            Refused: it carries none.
        """
        return replace(self, channel_id=self.target_channel_id)

    @classmethod
    def from_body(cls, body: Mapping[str, Any], context: AsyncBoltContext) -> Self:
        """Read the request from the payload of a command, a button or a form."""
        workspace_id = str(context.team_id)
        if "command" in body:
            return cls(
                workspace_id=workspace_id,
                user_id=body["user_id"],
                channel_id=body["channel_id"],
                channel_name=body.get("channel_name") or "",
            )
        place = body.get("container") or {}
        in_message = place.get("type") == "message"
        return cls(
            workspace_id=workspace_id,
            user_id=body["user"]["id"],
            target_id=_target_id(body),
            channel_id=(body.get("channel") or {}).get("id"),
            channel_name=(body.get("channel") or {}).get("name") or "",
            message=(place["channel_id"], place["message_ts"]) if in_message else None,
        )


def _target_id(body: Mapping[str, Any]) -> str:
    view = body.get("view") or {}
    if view.get("type") == "modal" or "actions" not in body:
        return view.get("private_metadata") or ""
    target_id = body["actions"][0].get("value") or ""
    # The value of each of our buttons is an id, or a phase's and that of a person in it.
    parts = target_id.split(":", 1) if isinstance(target_id, str) else [target_id]
    if target_id and any(_is_id(part) is not None for part in parts):
        raise Refused(UNKNOWN_TEXT)
    return str(target_id)


def as_listener(
    services: Any, handle: Callable[..., Awaitable[None]], *leading: Any
) -> Callable[..., Awaitable[None]]:
    """Return the Bolt listener that calls `handle(services, *leading, request, ack, body)`.

    It acknowledges if `handle` has not: Bolt would pass the request on to the listeners for unknown
    requests, and they would say that nothing was changed.
    """

    async def listener(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await handle(services, *leading, Request.from_body(body, context), ack, body)
        if ack.response is None:
            await ack()

    return listener


def typed_values(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the state of the form's inputs, by block id; for a button, of the form around it."""
    return state_values(form_of(body))


def form_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the form that was submitted, or that holds the pressed button.

    Raises:
        Refused: the button is in a message.
    """
    form: Mapping[str, Any] | None = body.get("view")
    if form is None:
        raise Refused(UNKNOWN_TEXT)
    return form
