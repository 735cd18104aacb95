"""PNG files without a library: grey, 8 bits."""

import random
import struct
import zlib


def encoded(width: int, height: int, rows: list[bytes], level: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + row for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, level))
            + chunk(b"IEND", b""))


def png(width: int, height: int, seed: int, level: int = 0) -> bytes:
    """Noise; not compressed unless asked for, so that its size is what was asked for."""
    line = random.Random(seed).randbytes(width)
    return encoded(width, height, [line[row % width:] + line[:row % width] for row in range(height)], level)


def disc(width: int, height: int, seed: int, is_mask: bool) -> bytes:
    """A bright disc on noise, or its mask; its place is the seed's."""
    chance = random.Random(seed)
    radius = min(width, height) // 4
    x0, y0 = (chance.randrange(radius, side - radius) for side in (width, height))

    def value(x: int, y: int) -> int:
        inside = (x - x0) ** 2 + (y - y0) ** 2 <= radius ** 2
        if is_mask:
            return 255 if inside else 0
        return (160 if inside else 40) + chance.randrange(30)

    return encoded(width, height, [bytes(value(x, y) for x in range(width)) for y in range(height)], level=6)
