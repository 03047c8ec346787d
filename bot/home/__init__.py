"""App Home and help: where a person finds what is theirs and what the bot can do."""
