"""The playground's page in the browser, and what it calls."""
