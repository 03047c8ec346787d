"""Promises: the one thing a lead says they will change, and whether it happened."""
