"""A deliberate imbalance, from its announcement to its wrap-up."""
