"""`make bench`: the cost of the bot compared with an empty Bolt app."""
