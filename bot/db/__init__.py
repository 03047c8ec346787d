"""The database: engine, schema and column types. Knows nothing of Slack or of any feature."""
