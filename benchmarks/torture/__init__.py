"""Kill, starve and cut off runs, and feed them hostile files: what goes wrong is counted."""
