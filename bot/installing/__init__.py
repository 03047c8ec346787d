"""Installing the bot from the web: the pages before and after Slack's own."""
