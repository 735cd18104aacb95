#!/usr/bin/env python3
"""Writes the fixtures of ImagingTests and MetricsTests: Tests/Fixtures/{png,jpeg,resize,metrics}.

Needs numpy, pillow and medpy. Deterministic: running it again changes nothing, unless one of these changed.

- png/: every colour type and depth of the format, plain and interlaced, encoded here from known samples
  (expected.json) and not by libpng, so that the decoder is not compared with itself.
- jpeg/: files by Pillow, with its own decoding beside them as PNG.
- resize/: a picture, and what Pillow's Image.resize makes of it.
- metrics/: mask pairs as text, with the values that MedPy gives.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"


def folder(name):
    path = FIXTURES / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_json(path, value):
    path.write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


# -- png --------------------------------------------------------------------------------------------------------------


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed_rows(samples, depth):
    """Filter byte 0 and the packed samples of each row; samples is [height, width, channels]."""
    rows = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            rows += b"\0" + flat.astype(">u2").tobytes()
        elif depth == 8:
            rows += b"\0" + flat.astype("u1").tobytes()
        else:
            bits = "".join(format(int(value), f"0{depth}b") for value in flat)
            bits += "0" * (-len(bits) % 8)
            rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return rows


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, colour_type, interlaced=False, extra=b""):
    height, width, _ = samples.shape
    if interlaced:
        data = b""
        for x0, y0, dx, dy in ADAM7:
            part = samples[y0::dy, x0::dx]
            if part.size:
                data += packed_rows(part, depth)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b"")
    )


def write_png():
    out = folder("png")
    random = np.random.default_rng(1)
    kinds = [("grey", 0, 1, [1, 2, 4, 8, 16]), ("grey-alpha", 4, 2, [8, 16]), ("rgb", 2, 3, [8, 16])]
    kinds += [("rgba", 6, 4, [8, 16]), ("palette", 3, 1, [1, 2, 4, 8])]
    expected = []
    width, height = 11, 9
    for name, colour_type, channels, depths in kinds:
        for depth in depths:
            samples = random.integers(0, 2**depth, (height, width, channels))
            extra, row = b"", {}
            if name == "palette":
                palette = random.integers(0, 256, (2**depth, 3))
                palette[0] = 0
                extra = chunk(b"PLTE", palette.astype("u1").tobytes())
                row = {"indices": samples.reshape(-1).tolist()}
                shown, shown_depth = palette[samples[:, :, 0]], 8
                if depth == 4:  # one of them with transparency for some entries
                    alpha = [0, 128, 7]
                    extra += chunk(b"tRNS", bytes(alpha))
                    alphas = np.array(alpha + [255] * (2**depth - len(alpha)))[samples[:, :, 0]]
                    shown = np.concatenate([shown, alphas[:, :, None]], axis=2)
            else:
                shown, shown_depth = samples, depth
                # Chunks that must not change raw samples: gamma, significant bits, a colour key.
                extra = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sBIT", bytes([1] * channels))
                if colour_type == 0:
                    extra += chunk(b"tRNS", struct.pack(">H", 1))
            for interlaced in (False, True):
                file = f"{name}-{depth}{'-interlaced' if interlaced else ''}.png"
                (out / file).write_bytes(png(samples, depth, colour_type, interlaced, extra))
                Image.open(out / file).load()  # another decoder accepts it
                expected.append(
                    {
                        "file": file,
                        "width": width,
                        "height": height,
                        "channels": shown.shape[2],
                        "bitDepth": shown_depth,
                        "samples": shown.reshape(-1).tolist(),
                        **row,
                    }
                )
    write_json(out / "expected.json", expected)


# -- jpeg -------------------------------------------------------------------------------------------------------------


def picture(width, height):
    """Smooth colours, edges and noise."""
    random = np.random.default_rng(2)
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / max(1, width - 1)
    green = 127 + 120 * np.sin(y / 3.0)
    blue = np.where((x // 5 + y // 7) % 2 == 0, 230, 20)
    noise = random.normal(0, 12, (height, width, 3))
    return np.clip(np.stack([red, green, blue], axis=2) + noise, 0, 255).astype("u1")


def write_jpeg():
    out = folder("jpeg")
    colour = Image.fromarray(picture(37, 29))
    for name, image, options in [
        ("grey", colour.convert("L"), {}),
        ("rgb-420", colour, {"subsampling": "4:2:0"}),
        ("rgb-444", colour, {"subsampling": "4:4:4"}),
        ("progressive", colour, {"progressive": True}),
    ]:
        image.save(out / f"{name}.jpg", quality=85, **options)
        Image.open(out / f"{name}.jpg").save(out / f"{name}.png", optimize=True)
    colour.convert("CMYK").save(out / "cmyk.jpg")


# -- resize -----------------------------------------------------------------------------------------------------------


def write_resize():
    out = folder("resize")
    cases = []

    def case(source, pixels, sizes):
        image = Image.fromarray(pixels)
        image.save(out / source, optimize=True)
        for width, height in sizes:
            file = f"{source.removesuffix('.png')}-to-{width}x{height}.png"
            image.resize((width, height), Image.Resampling.BILINEAR).save(out / file, optimize=True)
            cases.append({"source": source, "expected": file, "width": width, "height": height})

    case("61x43.png", picture(61, 43), [(64, 45), (128, 90), (61, 17), (20, 43), (13, 90), (7, 5), (1, 1), (50, 20), (50, 21), (70, 43), (70, 42)])
    case("1x1.png", picture(1, 1), [(4, 3)])
    case("2x300.png", picture(2, 300), [(1, 64), (3, 299)])
    extremes = np.where(np.indices((16, 16)).sum(axis=0)[:, :, None] % 2 == 0, 255, 0).repeat(3, axis=2).astype("u1")
    case("checkerboard.png", extremes, [(15, 15), (17, 3), (32, 32)])
    write_json(out / "bilinear.json", cases)

    random = np.random.default_rng(3)
    mask = random.integers(0, 2, (13, 17)).astype("u1")
    nearest = []
    for width, height in [(17, 13), (34, 26), (5, 4), (16, 14), (40, 3), (1, 1)]:
        resized = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
        nearest.append({"width": width, "height": height, "rows": text_rows(np.asarray(resized))})
    write_json(out / "nearest.json", {"source": text_rows(mask), "cases": nearest})


# -- metrics ----------------------------------------------------------------------------------------------------------


def text_rows(mask):
    return ["".join("#" if value else "." for value in row) for row in mask]


def disc(width, height, x, y, radius):
    ys, xs = np.mgrid[0:height, 0:width]
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


def metric_pairs():
    width, height = 32, 24
    empty = np.zeros((height, width), bool)
    one = empty.copy()
    one[5, 7] = True
    other = empty.copy()
    other[20, 30] = True
    circle = disc(width, height, 14, 11, 7)
    ring = circle & ~disc(width, height, 14, 11, 3)
    at_border = empty.copy()
    at_border[0:9, 20:32] = True
    full = ~empty
    line = empty.copy()
    line[12, 2:30] = True
    random = np.random.default_rng(4)
    noise = [random.random((height, width)) < density for density in (0.02, 0.3, 0.7)]
    islands = disc(width, height, 5, 5, 3) | disc(width, height, 26, 18, 4)
    yield "equal", circle, circle
    yield "shifted", circle, np.roll(circle, (2, 3), (0, 1))
    yield "one pixel each, apart", one, other
    yield "one pixel against a disc", one, circle
    yield "hole against filled", ring, circle
    yield "hole against hole", ring, np.roll(ring, 1, 0)
    yield "at the border", at_border, np.roll(at_border, 4, 0)
    yield "whole image against a part", full, at_border
    yield "line against disc", line, circle
    yield "islands against one of them", islands, disc(width, height, 5, 5, 3)
    yield "disjoint", disc(width, height, 5, 5, 4), disc(width, height, 25, 18, 5)
    yield "sparse noise", noise[0], noise[1]
    yield "dense noise", noise[1], noise[2]
    yield "noise against disc", noise[2], circle


def write_metrics():
    from medpy.metric import binary

    rows = []
    for name, prediction, truth in metric_pairs():
        row = {"name": name, "prediction": text_rows(prediction), "groundTruth": text_rows(truth)}
        row["dice"] = float(binary.dc(prediction, truth))
        row["jaccard"] = float(binary.jc(prediction, truth))
        row["asd"] = float(binary.assd(prediction, truth))
        row["hd95"] = float(binary.hd95(prediction, truth))
        row["spaced"] = []
        for x, y in [(0.5, 0.5), (0.7, 2.5), (3.0, 0.4)]:
            row["spaced"].append(
                {
                    "x": x,
                    "y": y,
                    "asd": float(binary.assd(prediction, truth, voxelspacing=(y, x))),
                    "hd95": float(binary.hd95(prediction, truth, voxelspacing=(y, x))),
                }
            )
        rows.append(row)
    write_json(folder("metrics") / "medpy.json", rows)


if __name__ == "__main__":
    write_png()
    write_jpeg()
    write_resize()
    write_metrics()
    print(f"wrote {FIXTURES}", file=sys.stderr)
