"""Permissions that the install page lists, with their reasons."""

#: A reason for each scope of the manifest, those without which nothing works first.
REASONS = {
    "commands": "Offer the bot's slash command and its shortcut.",
    "chat:write": "Post announcements and results, and ask each person privately.",
    "channels:read": "Know a public channel's name and members.",
    "groups:read": "Know the name and members of private channels that it was invited to.",
    "channels:join": "Join the public channel that a phase starts in.",
    "users:read": "Know names, time zones, and who has left.",
    "im:write": "Open a direct message with the people it asks.",
    "metadata.message:read": "Recognize its own messages.",
    "pins:write": "Pin the announcement of a phase.",
    "bookmarks:write": "Bookmark the announcement, and remove the bookmark afterwards.",
    "bookmarks:read": "Find its own bookmark in a channel.",
    "files:write": "Post the chart of the results.",
    "im:history": "Check that a direct message of its own arrived when Slack's answer got lost.",
    "channels:history": "The same check in public channels.",
    "groups:history": "The same check in private channels that it was invited to.",
}
#: Those that Slack lets people untick, and that the manifest without history lacks.
OPTIONAL = frozenset({"channels:history", "groups:history", "im:history"})


def asked_for(*, history: bool) -> dict[str, str]:
    """Return the permissions to ask for, with their reasons."""
    return {scope: why for scope, why in REASONS.items() if history or scope not in OPTIONAL}
