"""What only a real workspace can tell, tried in it."""
