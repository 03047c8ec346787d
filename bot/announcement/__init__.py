"""The phase's message in its channel: announced, kept up to date, and what the team adds to it."""
