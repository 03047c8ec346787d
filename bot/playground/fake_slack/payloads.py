"""The payloads of commands and interactions, with the fields that Slack sends."""

from bot.playground.fake_slack import example_workspace, organization
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.json_shapes import message_object, view_object
from bot.playground.fake_slack.model import Conversation, Json, View


def command(core: Core, user_id: str, conversation: Conversation, name: str, text: str) -> Json:
    """Build a slash command (docs.slack.dev/interactivity/implementing-slash-commands)."""
    user = core.workspace.users[user_id]
    names = {"im": "directmessage", "groups": "privategroup"}
    return {
        "token": "playground",
        "team_id": example_workspace.TEAM_ID,
        "team_domain": core.team.domain,
        "channel_id": conversation.id,
        "channel_name": names.get(conversation.family, conversation.name),
        "user_id": user_id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": example_workspace.APP_ID,
        **organization.of_command(core.install),
        "response_url": core.url + core.tickets.issue(user_id, conversation.id),
        "trigger_id": core.triggers.issue(user_id),
    }


def _interaction(core: Core, kind: str, user_id: str) -> Json:
    user = core.workspace.users[user_id]
    team = {"id": example_workspace.TEAM_ID, "domain": core.team.domain}
    if core.faults.outsiders_own_team and not example_workspace.is_colleague(user):
        team = {"id": user.team_id, "domain": "elsewhere"}
    return {
        "type": kind,
        "user": {
            "id": user_id,
            "username": user.name,
            "name": user.name,
            "team_id": user.team_id,
        },
        "api_app_id": example_workspace.APP_ID,
        "token": "playground",
        **organization.of_interaction(core.install, team),
    }


def action_in_message(
    core: Core, user_id: str, conversation: Conversation, message: Json, container: Json
) -> Json:
    """Build block_actions from a message; the caller adds actions and state."""
    payload = _interaction(core, "block_actions", user_id)
    path = core.tickets.issue(user_id, conversation.id, container)
    payload |= {
        "trigger_id": core.triggers.issue(user_id),
        "container": container,
        "channel": {"id": conversation.id, "name": conversation.name or "directmessage"},
        "response_url": core.url + path,
    }
    if not container["is_ephemeral"]:
        payload["message"] = message_object(message)
    return payload


def message_shortcut(
    core: Core, user_id: str, conversation: Conversation, message: Json, callback_id: str
) -> Json:
    """Build message_action.

    See docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload.
    """
    return _interaction(core, "message_action", user_id) | {
        "callback_id": callback_id,
        "action_ts": core.ids.ts(),
        "trigger_id": core.triggers.issue(user_id),
        "response_url": core.url + core.tickets.issue(user_id, conversation.id),
        "channel": {"id": conversation.id, "name": conversation.name or "directmessage"},
        "message_ts": message["ts"],
        "message": message_object(message),
    }


def action_in_view(core: Core, user_id: str, view: View, values: Json) -> Json:
    """Build block_actions from a modal or an App Home; the caller adds actions and state."""
    trigger_id = core.triggers.issue(user_id, in_modal=not view.is_home)
    return _interaction(core, "block_actions", user_id) | {
        "trigger_id": trigger_id,
        "container": {"type": "view", "view_id": view.id},
        "view": view_object(view, values) | organization.of_view(core.install),
        "hash": view.hash,
    }


def submission(core: Core, view: View, values: Json) -> Json:
    """Build view_submission.

    See docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
    """
    return _interaction(core, "view_submission", view.user_id) | {
        "trigger_id": core.triggers.issue(view.user_id, in_modal=True),
        "response_urls": [],
        "view": view_object(view, values) | organization.of_view(core.install),
    }


def closing(core: Core, view: View, values: Json, *, is_cleared: bool) -> Json:
    """Build view_closed."""
    return _interaction(core, "view_closed", view.user_id) | {
        "view": view_object(view, values) | organization.of_view(core.install),
        "is_cleared": is_cleared,
    }
