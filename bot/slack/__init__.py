"""The language of Slack: commands, people, text and errors. Knows no capability."""
