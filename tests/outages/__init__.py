"""Database outages: their effect on people and messages."""
