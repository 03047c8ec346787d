"""The web page of the playground, and its API."""
