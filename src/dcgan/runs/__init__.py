"""What a run leaves on disk, the only thing the wings share: paths, journal, checkpoints, lock."""
