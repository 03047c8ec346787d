"""The measures, one module for each group."""
