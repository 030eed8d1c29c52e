"""UUIDs of version 7 (RFC 9562): what a generated ``string/uuid`` key is made of."""

import os
import time
from uuid import UUID

_SUB_MILLISECOND = 4_096


def uuid7() -> str:
    """A new UUID, lower case: milliseconds, then a fraction of one in 12 bits, then 62 random bits."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * _SUB_MILLISECOND // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return str(UUID(int=(milliseconds << 80) | (7 << 76) | (fraction << 64) | (2 << 62) | tail))
