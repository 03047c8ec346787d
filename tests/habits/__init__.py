"""Tests of the habits of trust-building phases."""
