"""Imbalance: a deliberate, temporary imbalance, promised in public and kept honest."""

#: The only place that says it. The image's label and CHANGELOG.md are held to it by a test.
__version__ = "0.1.0"
