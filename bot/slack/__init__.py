"""The Slack layer: commands, people, text and errors. Knows nothing of any feature."""
