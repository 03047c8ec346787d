"""What we tell operators and users agrees with what the code does."""
