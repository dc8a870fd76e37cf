"""Take a generator elsewhere: one file a format, each checked against the generator that it was made from."""
