"""Analysis of what can be concluded about one person from everything the bot shows."""
