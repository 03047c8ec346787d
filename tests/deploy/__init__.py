"""Files in deploy/ are valid and agree with the bot."""
