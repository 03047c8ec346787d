"""The outbox: messages for Slack, kept until they are known to have been delivered."""
