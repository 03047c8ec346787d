"""Slack's JSON objects: users, conversations, messages, views, files."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.model import Conversation, File, Json, User, View

TITLE_OF_BOT = "Imbalance"


def user_object(user: User, now: datetime) -> Json:
    """Build a user as in users.info and user_change."""
    shape: Json = {
        "id": user.id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": user.updated,
        "profile": _profile(user),
        **_membership(user),
    }
    if user.deleted:
        return shape
    shape |= {"color": user.color.lstrip("#"), "is_email_confirmed": not user.is_bot}
    shape |= _zone(user.tz, now)
    for flag in ("is_admin", "is_owner", "is_restricted"):
        shape[flag] = getattr(user, flag)
    shape |= {"is_primary_owner": user.is_owner, "is_ultra_restricted": False}
    if user.is_invited:
        shape["is_invited_user"] = True
    if not example_workspace.is_colleague(user):
        shape["is_stranger"] = False
    return shape


def _membership(user: User) -> Json:
    """Return the fields that say where somebody belongs; Enterprise Grid has some of its own."""
    shape: Json = {"team_id": user.team_id} if user.team_id else {}
    if not user.enterprise_id:
        return shape
    if not user.team_id:
        shape |= {"enterprise_id": user.enterprise_id, "teams": user.teams}
    shape["enterprise_user"] = {
        "id": f"W{user.id[1:]}",
        "enterprise_id": user.enterprise_id,
        "enterprise_name": "Northwind Group",
        "is_admin": False,
        "is_owner": False,
        "teams": user.teams,
    }
    return shape


def _zone(tz: str | None, now: datetime) -> Json:
    if tz is None:
        return {"tz": None, "tz_label": "Pacific Standard Time", "tz_offset": -28800}
    there = now.astimezone(ZoneInfo(tz))
    offset = there.utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    return {"tz": tz, "tz_label": there.tzname() or tz, "tz_offset": seconds}


def _profile(user: User) -> Json:
    first_name, _, _ = user.real_name.partition(" ")
    display_name = first_name if user.display_name is None else user.display_name
    return {
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": display_name,
        "display_name_normalized": display_name,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "team": user.team_id,
        "avatar_hash": f"g{user.id.lower()}",
    }


def conversation_object(conversation: Conversation, viewer: str) -> Json:
    """Build a conversation as in conversations.info, as seen by a user."""
    shape: Json = {
        "id": conversation.id,
        "created": conversation.created,
        "updated": conversation.created * 1000,
        "is_archived": conversation.is_archived,
        "is_im": conversation.is_im,
        "is_org_shared": False,
        "context_team_id": example_workspace.TEAM_ID,
    }
    if conversation.is_im:
        return shape | {"user": conversation.other_than(viewer), "is_open": True, "priority": 0}
    shape |= _names(conversation)
    shape |= _sharing(conversation)
    shape["is_member"] = viewer in conversation.members
    return shape


def _names(conversation: Conversation) -> Json:
    return {
        "name": conversation.name,
        "name_normalized": conversation.name,
        "previous_names": [],
        "is_channel": not conversation.is_mpim,
        "is_group": False,
        "is_mpim": conversation.is_mpim,
        "is_private": conversation.is_private,
        "is_general": conversation.is_general,
        "creator": conversation.creator,
        "unlinked": 0,
        "topic": {"value": conversation.topic, "creator": conversation.creator, "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def _sharing(conversation: Conversation) -> Json:
    others = [example_workspace.OTHER_TEAM_ID] if conversation.is_ext_shared else []
    return {
        "is_shared": conversation.is_ext_shared,
        "is_ext_shared": conversation.is_ext_shared,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [example_workspace.TEAM_ID, *others],
        "internal_team_ids": [],
        "connected_team_ids": others,
    }


def bot_profile(updated: int) -> Json:
    return {
        "id": example_workspace.BOT_ID,
        "deleted": False,
        "name": TITLE_OF_BOT,
        "updated": updated,
        "app_id": example_workspace.APP_ID,
        "icons": {},
        "team_id": example_workspace.TEAM_ID,
    }


def message_object(message: Json, *, all_metadata: bool = True) -> Json:
    """Build a message as returned by Slack; by default history shows only the type of metadata."""
    shape = {key: value for key, value in message.items() if key != "only_for"}
    if not all_metadata and "metadata" in shape:
        shape["metadata"] = {"event_type": shape["metadata"]["event_type"]}
    return shape


def view_object(view: View, values: Json | None = None) -> Json:
    """Build a view as in the response of views.open and in interactions."""
    content = view.content
    shape: Json = {
        "id": view.id,
        "team_id": example_workspace.TEAM_ID,
        "type": content["type"],
        "blocks": content["blocks"],
        "private_metadata": content.get("private_metadata") or "",
        "callback_id": content.get("callback_id") or "",
        "state": {"values": values or {}},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": example_workspace.APP_ID,
        "app_installed_team_id": example_workspace.TEAM_ID,
        "external_id": view.external_id,
        "bot_id": example_workspace.BOT_ID,
    }
    for key in ("title", "submit", "close"):
        shape[key] = content.get(key)
    for key in ("clear_on_close", "notify_on_close", "submit_disabled"):
        shape[key] = bool(content.get(key))
    return shape


def file_object(file: File, url: str) -> Json:
    kind = file.name.rsplit(".", 1)[-1].lower()
    where = f"{url}/files/{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": f"image/{kind}" if kind in ("png", "jpeg", "gif") else "text/plain",
        "filetype": kind,
        "size": file.length,
        "user": file.user_id,
        "alt_txt": file.alt_text,
        "file_access": "visible",
        "is_external": False,
        "is_public": False,
        "url_private": where,
        "url_private_download": where,
        "permalink": where,
        "channels": [c for c in file.shares if c.startswith("C")],
        "groups": [],
        "ims": [c for c in file.shares if c.startswith("D")],
        "shares": _shares(file),
    }


def _shares(file: File) -> Json:
    if not file.shares:
        return {}
    listed = {
        channel: [{"ts": ts} for ts in timestamps] for channel, timestamps in file.shares.items()
    }
    return {"public": listed}
