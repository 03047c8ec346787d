"""What is to be said in Slack, kept until it is known to have been said."""
