"""The methods of explore: one a file; each opens a run, explores it, and leaves a picture with its numbers."""
