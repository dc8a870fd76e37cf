"""One file becomes pixels."""
