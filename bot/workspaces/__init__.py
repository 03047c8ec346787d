"""One installation: its limits, its wording, who may do what, and who changed it."""
