"""Images a second, seconds to start, and the limits of the machine."""
