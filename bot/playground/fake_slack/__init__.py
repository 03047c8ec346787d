"""A fake Slack: the Web API, Socket Mode, signed HTTP, and the people of a workspace."""
