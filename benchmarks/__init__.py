"""Every number that this project claims is measured here; run from the root as ``python -m benchmarks.…``."""
