"""Images become features."""
