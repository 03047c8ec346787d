"""Tests of the check, the optional extra question."""
