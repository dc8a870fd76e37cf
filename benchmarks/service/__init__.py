"""What the service does under load, under attack, and when it is stopped."""
