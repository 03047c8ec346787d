"""What happens to people and messages while the database is away."""
