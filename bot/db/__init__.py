"""The database: engine, schema and column types. Knows no Slack and no capability."""
