"""Numbers computed from features of real and generated images."""
