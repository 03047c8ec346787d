"""Message shortcuts: an entry of the app's in the menu of a message."""

from bot.playground.fake_slack import example_workspace, payloads
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json


def offered(core: Core, user_id: str) -> list[Json]:
    """Return the message shortcuts in a person's menu; people of other organisations have none."""
    is_colleague = example_workspace.is_colleague(core.workspace.users[user_id])
    return core.manifest.message_shortcuts if is_colleague else []


async def use(
    core: Core, user_id: str, conversation: Conversation, message: Json, callback_id: str
) -> AppResponse:
    """Use a shortcut on a message, whether or not the app is a member of the conversation.

    Raises:
        LookupError: the person's menu does not have it, or the message is only for one person.
    """
    if callback_id not in [each["callback_id"] for each in offered(core, user_id)]:
        raise LookupError(f"no shortcut {callback_id} for {user_id}")
    if message["ts"] not in conversation.messages:
        raise LookupError(f"no message {message['ts']} in {conversation.id}")
    payload = payloads.message_shortcut(core, user_id, conversation, message, callback_id)
    return await core.dispatch.request("interactive", payload)
