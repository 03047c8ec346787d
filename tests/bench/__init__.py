"""What the bot costs beside a Bolt app that does nothing: `make bench`."""
