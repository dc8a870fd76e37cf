"""Scripts that make the weights of the detectors that ship with the package."""
