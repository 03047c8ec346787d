"""One file for each group of measures."""
