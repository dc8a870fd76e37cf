"""What the measures see, and what changes of precision, bias and statistics do to images."""
