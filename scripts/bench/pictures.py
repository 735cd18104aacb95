"""PNG files without a library: grey, 8 bits, not compressed, so that their size is what was asked for."""

import random
import struct
import zlib


def png(width: int, height: int, seed: int, level: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = random.Random(seed).randbytes(width)
    rows = b"".join(b"\0" + line[row % width:] + line[:row % width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, level))
            + chunk(b"IEND", b""))
