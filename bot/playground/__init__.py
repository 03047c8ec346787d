"""A fake Slack for trying the bot: Web API, Socket Mode, signed HTTP, people, and a web page."""
