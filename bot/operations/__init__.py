"""The present state for operators, and the commands with which they act on it."""
