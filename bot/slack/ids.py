"""Slack's ids: a person's, a channel's, and a direct message's. Pure."""


def is_person(conversation: str) -> bool:
    """Return whether a message to this conversation is a direct message to a person."""
    return conversation.startswith(("U", "W"))


def can_contain(channel: str, conversation: str) -> bool:
    """Return whether a message to this conversation can be in this channel.

    Slack opens direct messages itself, so the channel of one is not known before it is posted.
    """
    return channel.startswith("D") if is_person(conversation) else channel == conversation
