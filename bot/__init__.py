"""Imbalance: a deliberate, temporary imbalance, promised in public and kept honest."""
