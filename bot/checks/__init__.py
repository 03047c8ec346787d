"""Checks: one optional extra question in a round, of which only the median answer is shown."""
