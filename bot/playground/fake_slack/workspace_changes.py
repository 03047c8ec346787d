"""Changes in the workspace besides messages: people join, leave, move; channels are archived.

Each changes the state at once and sends the app an event; the returned task ends when the app has
acknowledged it.
"""

import asyncio
from typing import Any

from bot.playground.fake_slack import example_workspace, messages, organization
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.json_shapes import user_object
from bot.playground.fake_slack.model import Conversation, Json, User

EventDelivery = asyncio.Task[bool] | None


async def wait_for_delivery(acknowledged: EventDelivery) -> None:
    """Wait until the app has acknowledged the event, if one was sent."""
    if acknowledged is not None:
        await acknowledged


def change_user(core: Core, user: User, **changes: Any) -> EventDelivery:
    """Change a person's account (user_change)."""
    for name, value in changes.items():
        setattr(user, name, value)
    user.updated = core.ids.now_seconds()
    core.stream.on_change()
    if not example_workspace.is_colleague(user):
        return None  # no event about people of other workspaces
    event = {"type": "user_change", "user": user_object(user, core.workspace.now())}
    return core.events.emit(event)


def add_user(core: Core, user: User) -> EventDelivery:
    """Add a person to the workspace (team_join)."""
    core.workspace.users[user.id] = user
    core.stream.on_change()
    event = {"type": "team_join", "user": user_object(user, core.workspace.now())}
    return core.events.emit(event)


def join(
    core: Core, conversation: Conversation, user_id: str, inviter: str | None = None
) -> EventDelivery:
    """Add a person to a channel (member_joined_channel)."""
    if user_id in conversation.members:
        return None
    conversation.members.append(user_id)
    messages.show_conversation(core, conversation)
    return core.events.emit(
        _membership("member_joined_channel", conversation, user_id)
        | ({"inviter": inviter} if inviter else {}),
        conversation,
    )


def leave(core: Core, conversation: Conversation, user_id: str) -> EventDelivery:
    """Remove a person from a channel (member_left_channel)."""
    if user_id not in conversation.members:
        return None
    event = _membership("member_left_channel", conversation, user_id)
    acknowledged = core.events.emit(event, conversation)
    conversation.members.remove(user_id)
    if user_id == example_workspace.BOT_USER_ID:
        kind = "group_left" if conversation.is_private else "channel_left"
        core.events.emit({"type": kind, "channel": conversation.id, "actor_id": ""})
    messages.show_conversation(core, conversation)
    return acknowledged


def _membership(kind: str, conversation: Conversation, user_id: str) -> Json:
    return {
        "type": kind,
        "user": user_id,
        "channel": conversation.id,
        "channel_type": "G" if conversation.is_private else "C",
        "team": example_workspace.TEAM_ID,
    }


def _named(conversation: Conversation, what: str) -> str:
    return f"{'group' if conversation.is_private else 'channel'}_{what}"


def archive(
    core: Core, conversation: Conversation, by: str, *, undo: bool = False
) -> EventDelivery:
    """Archive a channel, or unarchive it with `undo` (channel_archive, group_unarchive, ...)."""
    conversation.is_archived = not undo
    messages.show_conversation(core, conversation)
    kind = _named(conversation, "unarchive" if undo else "archive")
    event = {"type": kind, "channel": conversation.id, "user": by, "is_moved": 0}
    return core.events.emit(event, conversation)


def rename(core: Core, conversation: Conversation, name: str) -> EventDelivery:
    conversation.name = name
    messages.show_conversation(core, conversation)
    about = {
        "id": conversation.id,
        "name": name,
        "name_normalized": name,
        "created": conversation.created,
        "is_channel": True,
        "is_mpim": False,
    }
    return core.events.emit(
        {"type": _named(conversation, "rename"), "channel": about}, conversation
    )


def delete(core: Core, conversation: Conversation) -> EventDelivery:
    """Delete a channel with its contents (channel_deleted)."""
    kind = _named(conversation, "deleted")
    acknowledged = core.events.emit({"type": kind, "channel": conversation.id}, conversation)
    del core.workspace.conversations[conversation.id]
    core.stream.on_change()
    return acknowledged


def change_id(core: Core, conversation: Conversation, new_id: str) -> EventDelivery:
    """Give a channel another id, as when it is shared (channel_id_changed)."""
    old_id = conversation.id
    del core.workspace.conversations[old_id]
    conversation.id = new_id
    core.workspace.conversations[new_id] = conversation
    core.stream.on_change()
    event = {"type": "channel_id_changed", "old_channel_id": old_id, "new_channel_id": new_id}
    return core.events.emit(event, conversation)


def restrict(core: Core, conversation: Conversation, error: str) -> None:
    """Limit posting to some people, not including the app; no event is sent."""
    conversation.refuses = error
    messages.show_conversation(core, conversation)


def reinstall(core: Core) -> None:
    """Install the app again, with the same token."""
    core.install.revoked, core.install.is_installed = "", True


def revoke(core: Core, error: str = "token_revoked") -> EventDelivery:
    """Revoke the app's token (tokens_revoked)."""
    acknowledged = core.events.emit(
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [example_workspace.BOT_USER_ID]}}
    )
    core.install.revoked = error
    return acknowledged


def uninstall(core: Core) -> EventDelivery:
    """Remove the app (app_uninstalled and tokens_revoked, in no certain order)."""
    revoke(core, "account_inactive")
    return core.events.emit({"type": "app_uninstalled"})


def join_organization(core: Core) -> None:
    """Move the workspace into an organisation, with everybody in it; no event is sent."""
    core.install.is_in_organization = True
    for user in core.workspace.users.values():
        if example_workspace.is_colleague(user):
            user.enterprise_id, user.teams = organization.ORG_ID, [example_workspace.TEAM_ID]


def install_org_wide(core: Core) -> None:
    """Install the app in the organisation, which adds no workspace by itself.

    Raises:
        ValueError: the manifest does not allow it.
    """
    if not core.manifest.is_org_ready:
        raise ValueError("the manifest lacks org_deploy_enabled")
    join_organization(core)
    core.install.is_org_wide, core.install.has_access, core.install.revoked = True, False, ""
    core.install.is_installed = True


def grant_access(core: Core) -> EventDelivery:
    """Add the workspace to the organisation's installation (team_access_granted)."""
    core.install.has_access = True
    return core.events.emit(_access("granted"))


def revoke_access(core: Core) -> EventDelivery:
    """Remove the workspace from the organisation's installation (team_access_revoked)."""
    core.install.has_access = False
    return core.events.emit(_access("revoked"))


def _access(what: str) -> Json:
    return {"type": f"team_access_{what}", "team_ids": [example_workspace.TEAM_ID]}
