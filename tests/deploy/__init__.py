"""What is in deploy/ is valid, and says the same as the bot does."""
