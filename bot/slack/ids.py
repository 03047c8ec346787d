"""Slack's ids: a person's, a channel's, a direct message's, and a submitted form's. Pure."""

from hashlib import sha256

DIGEST_LENGTH = 32


def is_person(conversation: str) -> bool:
    """Return whether a message to this conversation is a direct message to a person."""
    return conversation.startswith(("U", "W"))


def can_contain(channel: str, conversation: str) -> bool:
    """Return whether a message to this conversation can be in this channel.

    Slack opens direct messages itself, so the channel of one is not known before it is posted.
    """
    return channel.startswith("D") if is_person(conversation) else channel == conversation


def form_digest(target_id: str, view_id: str) -> str:
    """Return an id of what one submitted form does to its target: submitted twice, it is the same.

    `view_id` is Slack's id of the form.
    """
    return sha256(f"{target_id}:{view_id}".encode()).hexdigest()[:DIGEST_LENGTH]
