"""Refuses content that claims to unpack to an implausible size: compressed data can promise any.

What is held in memory whole may be 1,100 times as large as it is stored while it is small, 200 times beyond that:
real images, even binary drawings, stay far below.
"""

MAX_EXPANSION = 1100  # deflate shrinks zeros about 1030-fold and nothing further
STRICT_FROM_BYTES = 100_000_000
MAX_LARGE_EXPANSION = 200


def is_bomb(num_bytes: int, stored_bytes: int) -> bool:
    """Whether ``num_bytes`` are more than ``stored_bytes`` of a file can honestly become."""
    if num_bytes > STRICT_FROM_BYTES:
        return num_bytes > MAX_LARGE_EXPANSION * (stored_bytes + 1)
    return num_bytes > MAX_EXPANSION * (stored_bytes + 1)
