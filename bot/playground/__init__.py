"""A Slack to try the bot with: the Web API, Socket Mode, signed HTTP, people, and a page."""
