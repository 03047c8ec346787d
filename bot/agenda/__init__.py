"""What is due when: a durable list, local-time slots and the tick that works it off."""
