"""Reasons for the permissions that the install page lists."""

#: A reason for each scope of the manifest, in its order.
REASONS = {
    "bookmarks:read": "Find the bot's own bookmark in a channel.",
    "bookmarks:write": "Bookmark the announcement of a phase, and remove the bookmark afterwards.",
    "channels:history": "Check that a message arrived when Slack's answer got lost. Optional.",
    "channels:join": "Join the public channel that you start a phase in.",
    "channels:read": "Know a public channel's name and members.",
    "chat:write": "Post the announcement and results, and ask each person privately.",
    "commands": "Offer the command /imbalance and the bot's shortcuts.",
    "files:write": "Post the chart of the results.",
    "groups:history": "The same check in private channels that the bot was invited to. Optional.",
    "groups:read": "Know the name and members of private channels that it was invited to.",
    "im:history": "Check that a direct message of its own arrived.",
    "im:write": "Open a direct message with the people it asks.",
    "metadata.message:read": "Recognize its own messages.",
    "pins:write": "Pin the announcement of a phase.",
    "users:read": "Know names, time zones, and who has left.",
}
