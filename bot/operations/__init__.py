"""The current state for operators, and the commands they use to act on it."""
