"""What keeps it running: the present state in words, and what an operator or admin decides."""
