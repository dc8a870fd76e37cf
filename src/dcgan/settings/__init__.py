"""What a run can be asked."""
