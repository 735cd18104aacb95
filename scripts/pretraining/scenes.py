"""What is learnt from: real images with label maps, the project's phantoms, sketches of other anatomy, and four kinds of
scene made for variety.

A scene is an image with integer labels. All scenes are held in memory, scaled down to a long side of at most
`LONG_SIDE` pixels, so that training needs no loader process.
"""

import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

import sketches
from sketches import phantoms

LONG_SIDE = 512

# Which part of a stem names the patient. Sets without a rule here record none: each image counts as its own patient.
PATIENT = {
    "aorta_ct": r"^(\d+)_",
    "carotid_us": r"^(\d+VAS)_",
    "chase_db1": r"^Image_(\d+)",
    "congenital_heart_ct": r"^(\d+)_",
    "heart_hvsmr": r"^(\d+)_",
    "hippocampus": r"^hippocampus_(\d+)",
    "liver_tumor_ct": r"^(\d+)_",
    "lumbar_spine_mri": r"^(\d+)_",
    "prostate_glands_hist": r"^(P\d+_[A-Z]\d+)_",  # slide: patients are too few to divide by
    "spider_spine_mri": r"^(\d+)_",
    "spinal_cord_mri": r"^(t)",  # one subject
    "spleen_ct": r"(spleen_\d+)$",
}
LEFT_OUT = {"glaucoma_drishti"}  # part of a larger collection that serves as an unseen task
INSTANCES = {"dsb2018"}  # labels number the objects; they are no classes


@dataclass
class Scene:
    source: str
    name: str
    image: np.ndarray  # uint8 [H, W] or [H, W, 3]
    labels: np.ndarray  # uint8 [H, W]
    salient: tuple | None  # labels of the promptless target; None: all of them, (): there is none
    instances: bool = False


def patient_of(dataset, stem):
    rule = PATIENT.get(dataset)
    match = re.search(rule, stem) if rule else None
    return match.group(1) if match else stem


def validation_patients(dataset, patients):
    """A fifth of the patients (at least one) by a hash, so it holds on any machine; none where there is only one."""
    ordered = sorted(set(patients), key=lambda p: zlib.crc32(f"{dataset}/{p}".encode()))
    return set(ordered[: max(1, round(len(ordered) / 5))]) if len(ordered) > 1 else set()


def listing(root):
    """{dataset: {"training": [stems], "validation": [stems]}} of a folder of datasets."""
    found = {}
    for folder in sorted(p for p in Path(root).iterdir() if (p / "images").is_dir() and p.name not in LEFT_OUT):
        stems = sorted(p.stem for p in (folder / "images").glob("*.png") if (folder / "masks" / p.name).exists())
        held = validation_patients(folder.name, [patient_of(folder.name, s) for s in stems])
        parts = {"training": [], "validation": []}
        for stem in stems:
            parts["validation" if patient_of(folder.name, stem) in held else "training"].append(stem)
        found[folder.name] = parts
    return found


def read_pair(root, dataset, stem):
    """(image, labels) as they are on disk."""
    image = Image.open(Path(root) / dataset / "images" / f"{stem}.png")
    image = np.asarray(image.convert("L" if image.mode in ("L", "1", "I;16") else "RGB"))
    labels = np.asarray(Image.open(Path(root) / dataset / "masks" / f"{stem}.png"))
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f"{dataset}/{stem}: expected one label channel of size {image.shape[:2]}, found {labels.shape}"
        )
    if labels.max() > 255:  # only where labels count objects: numbers far apart may then share a value
        labels = np.where(labels > 0, (labels - 1) % 255 + 1, 0)
    return image, labels.astype(np.uint8)


def scaled_down(image, labels):
    height, width = labels.shape
    scale = LONG_SIDE / max(height, width)
    if scale >= 1:
        return image, labels
    size = (round(width * scale), round(height * scale))
    return (
        np.asarray(Image.fromarray(image).resize(size, Image.BILINEAR)),
        np.asarray(Image.fromarray(labels).resize(size, Image.NEAREST)),
    )


def real_scenes(root, part):
    scenes = []
    for dataset, parts in listing(root).items():
        for stem in parts[part]:
            image, labels = scaled_down(*read_pair(root, dataset, stem))
            if labels.any():
                scenes.append(Scene(dataset, stem, image, labels, None, dataset in INSTANCES))
    return scenes


def phantom_scene(kind, seed):
    """`seed` is a tuple of integers. Training uses (1, i), validation (2, i), the committed examples (3, ...)."""
    p = phantoms.KINDS[kind](np.random.default_rng(seed))
    image, labels = scaled_down(p.image, p.labels)
    return Scene(f"phantom-{kind}", "-".join(map(str, seed)), image, labels, p.salient)


def sketch_scene(kind, seed):
    image, labels, salient = sketches.KINDS[kind](np.random.default_rng(seed))
    return Scene(kind, str(seed[-1]), image, labels, salient, instances=kind == "neuropil")


# ------------------------------------------------------------------------------------------------ generic shapes


def shapes_scene(seed, size=256):
    """Regions, blobs, layers, ellipses or tubes with random grey levels, textures and noise: no anatomy, only form."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["regions", "blobs", "layers", "ellipses", "tubes"])
    labels = {"regions": _regions, "blobs": _blobs, "layers": _layers, "ellipses": _ellipses, "tubes": _tubes}[kind](
        rng, size
    )
    count = int(labels.max()) + 1
    levels = rng.uniform(20, 235, count)
    if count > 1:  # never invisible against the ground
        levels[1:] = np.where(
            np.abs(levels[1:] - levels[0]) < 18,
            np.clip(levels[0] + rng.choice([-1, 1], count - 1) * 30, 0, 255),
            levels[1:],
        )
    image = levels[labels].astype(np.float32)
    for value in range(count):
        if rng.random() < 0.6:
            texture = phantoms.smooth_noise(rng, size, rng.choice([2, 3, 6, 12, 30]))
            image += texture * rng.uniform(3, 22) * (labels == value)
    if rng.random() < 0.5:
        image += phantoms.smooth_noise(rng, size, rng.uniform(60, 200)) * rng.uniform(5, 30)
    image = phantoms.blurred(image, rng.uniform(0.3, 1.8)) + rng.normal(0, rng.uniform(0.5, 14), (size, size))
    if rng.random() < 0.35:
        image = image[..., None] * rng.uniform(0.4, 1.2, 3) + rng.uniform(-25, 25, 3)
    return Scene("shapes", f"{kind}-{seed[-1]}", phantoms.to_bytes(image), labels, None)


def _regions(rng, size):
    fields = [
        phantoms.smooth_noise(rng, size, rng.uniform(30, 110))
        + 0.25 * phantoms.smooth_noise(rng, size, rng.uniform(10, 30))
        for _ in range(rng.integers(3, 8))
    ]
    return np.argmax(fields, 0).astype(np.uint8)


def _blobs(rng, size):
    field = phantoms.smooth_noise(rng, size, rng.uniform(18, 90)) + 0.3 * phantoms.smooth_noise(
        rng, size, rng.uniform(8, 20)
    )
    labels = (field > np.percentile(field, rng.uniform(70, 96))).astype(np.uint8)
    if rng.random() < 0.4:
        labels[field < np.percentile(field, rng.uniform(4, 25))] = 2
    return labels


def _layers(rng, size):
    """Curved bands one over the other, as in skin, retina or vessel walls."""
    along = np.linspace(0, 1, size)
    down = np.arange(size)[:, None]
    labels = np.zeros((size, size), np.uint8)
    edge = size * rng.uniform(0.1, 0.5) + size * 0.1 * np.sin(
        2 * np.pi * (rng.uniform(0.3, 1.5) * along + rng.random())
    )
    for value in range(1, int(rng.integers(2, 6))):
        wave = 1 + 0.3 * np.sin(2 * np.pi * (rng.uniform(0.5, 3) * along + rng.random()))
        labels[down >= edge[None]] = value
        edge = edge + size * rng.uniform(0.03, 0.16) * wave
    labels[down >= edge[None]] = 0
    return labels if rng.random() < 0.6 else np.ascontiguousarray(labels.T)


def _ellipses(rng, size):
    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    count = int(rng.integers(1, 15))
    radius = rng.uniform(8, 60) if count > 3 else rng.uniform(15, 100)
    classes = 1 if rng.random() < 0.6 else 2
    for _ in range(count):
        a, b = radius * rng.uniform(0.5, 1.2, 2)
        outline = phantoms.wobbly_ellipse(
            rng, *rng.uniform(0, size, 2), a, b, rng.uniform(0, np.pi), rng.uniform(0, 0.25), 4, 48
        )
        draw.polygon([tuple(p) for p in outline], fill=int(rng.integers(1, classes + 1)))
        if rng.random() < 0.25:
            middle = outline.mean(0)
            draw.polygon([tuple(p) for p in (outline - middle) * 0.6 + middle], fill=3)
    return np.asarray(canvas)


def _tubes(rng, size):
    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(0, size, 2)
        heading, width = rng.uniform(0, 2 * np.pi), rng.uniform(2, 9)
        pending = [(x, y, heading, width, 0)]
        while pending:
            x, y, heading, width, depth = pending.pop()
            for _ in range(int(rng.uniform(10, 40) * 0.8**depth)):
                heading += rng.normal(0, 0.14)
                nx, ny = x + 4 * np.cos(heading), y + 4 * np.sin(heading)
                draw.line([x, y, nx, ny], fill=1, width=max(1, round(width)))
                x, y = nx, ny
                if depth < 3 and width > 2 and rng.random() < 0.07:
                    pending.append(
                        (x, y, heading + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1), width * 0.7, depth + 1)
                    )
    labels = np.array(canvas)
    if rng.random() < 0.5:
        disc = phantoms.filled(
            size, phantoms.wobbly_ellipse(rng, *rng.uniform(0, size, 2), *rng.uniform(10, 60, 2), 0, 0.1)
        )
        labels[disc & (labels == 0)] = 2
    return labels


def things_scene(seed, size=256):
    """One to four things, large or small, sharp or faint, on cluttered ground: what a lesion, a polyp, a disc or a cell
    have in common. Often in colour, sometimes behind hairs, glare or the round black frame of an endoscope."""
    rng = np.random.default_rng(seed)
    in_colour = rng.random() < 0.6
    channels = 3 if in_colour else 1
    ground = rng.uniform(30, 220, channels)
    image = np.broadcast_to(ground, (size, size, channels)).astype(np.float32).copy()
    for scale in rng.choice([3, 6, 12, 25, 60, 120], rng.integers(1, 4), replace=False):
        image += (phantoms.smooth_noise(rng, size, scale) * rng.uniform(2, 18))[..., None] * rng.uniform(0.5, 1.2, channels)
    labels = np.zeros((size, size), np.uint8)
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 5))
    extent = rng.uniform(0.12, 0.42) if count == 1 else rng.uniform(0.05, 0.2)
    strength = np.exp(rng.uniform(np.log(5), np.log(70)))  # most polyps, nerves and discs are nearer to the lower end
    change = rng.choice([-1, 1]) * strength * rng.uniform(0.4, 1.2, channels)
    if in_colour and rng.random() < 0.3:  # another hue of the same lightness
        change -= change.mean()
    edge = np.exp(rng.uniform(np.log(0.4), np.log(7)))
    texture = phantoms.smooth_noise(rng, size, rng.choice([2, 4, 8, 20, 40])) * rng.uniform(0, 16)
    for _ in range(rng.integers(0, 4)):  # things that are not the target, of their own look
        other = _outline(rng, size, rng.uniform(0.03, 0.2))
        soft = phantoms.blurred(other.astype(np.float32), rng.uniform(0.5, 5))[..., None]
        image += soft * rng.choice([-1, 1]) * rng.uniform(5, 50) * rng.uniform(0.4, 1.2, channels)
    for value in range(1, count + 1):
        shape = _outline(rng, size, extent * rng.uniform(0.7, 1.3)) & (labels == 0)
        labels[shape] = 1
        soft = phantoms.blurred(shape.astype(np.float32), edge)[..., None]
        image += soft * (change + texture[..., None])
        if rng.random() < 0.25:  # a rim, as of a cyst or a capsule
            rim = np.clip(4 * soft * (1 - soft), 0, 1)
            image += rim * rng.choice([-1, 1]) * rng.uniform(10, 60)
        if rng.random() < 0.25:  # a core of another look, which belongs to the thing
            ys, xs = np.nonzero(shape)
            if len(xs) > 60:
                at = rng.integers(len(xs))
                core = phantoms.wobbly_ellipse(rng, xs[at], ys[at], *(extent * size * rng.uniform(0.1, 0.45, 2)), 0, 0.1)
                inside = phantoms.filled(size, core) & shape
                image[inside] += rng.choice([-1, 1]) * rng.uniform(8, 50)
    if rng.random() < 0.2:  # hairs or fibres
        image = np.where((_tubes(rng, size) == 1)[..., None], image * rng.uniform(0.3, 0.8), image)
    if rng.random() < 0.2:  # glare
        for _ in range(rng.integers(1, 8)):
            spot = phantoms.filled(size, phantoms.wobbly_ellipse(rng, *rng.uniform(0, size, 2), *rng.uniform(1, 9, 2), 0, 0.2))
            image[spot] = rng.uniform(220, 255)
    if rng.random() < 0.2:
        y, x = np.mgrid[:size, :size]
        outside = np.hypot(x - size / 2, y - size / 2) > size * rng.uniform(0.48, 0.66)
        image[outside] = rng.uniform(0, 20)
    shading = 1 + phantoms.smooth_noise(rng, size, rng.uniform(80, 250))[..., None] * rng.uniform(0, 0.15)
    image = image * shading + rng.normal(0, rng.uniform(0.5, 10), (size, size, 1))
    return Scene("things", str(seed[-1]), phantoms.to_bytes(image.squeeze()), labels, None)


def _outline(rng, size, radius):
    """The filled outline of one thing, a boolean [size, size]: smooth, lobed, angular, or a piece of a noise field."""
    place = rng.uniform(0.15, 0.85, 2) * size
    a, b = radius * size * np.exp(rng.uniform(-0.4, 0.4, 2))
    kind = rng.choice(["smooth", "lobed", "angular", "field"], p=[0.4, 0.25, 0.1, 0.25])
    if kind == "angular":
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 9)))
        return phantoms.filled(size, place + np.stack([a * np.cos(angle), b * np.sin(angle)], 1))
    rough = {"smooth": rng.uniform(0, 0.1), "lobed": rng.uniform(0.15, 0.4), "field": 0.2}[kind]
    outline = phantoms.wobbly_ellipse(rng, *place, a, b, rng.uniform(0, np.pi), rough, int(rng.integers(3, 8)))
    shape = phantoms.filled(size, outline)
    if kind == "field":
        wave = phantoms.smooth_noise(rng, size, max(4, radius * size * rng.uniform(0.3, 0.8)))
        y, x = np.mgrid[:size, :size]
        distance = np.hypot((x - place[0]) / a, (y - place[1]) / b)
        parts, _ = ndimage.label(distance + 0.35 * wave < 1)
        areas = np.bincount(parts.ravel())
        if len(areas) > 1:
            shape = parts == areas[1:].argmax() + 1
    return shape


# -------------------------------------------------------------------------------------- made of real training images


def segments_scene(rng, scene):
    """A real image with labels of its own making: connected regions of like brightness, each an "object" with a visible
    edge. Nobody has named them, but whoever can outline them from a box has learnt to follow edges in real texture."""
    grey = scene.image.astype(np.float32)
    grey = grey if grey.ndim == 2 else grey @ rng.dirichlet(np.full(3, 2)).astype(np.float32)
    smooth = ndimage.gaussian_filter(grey, np.exp(rng.uniform(np.log(0.8), np.log(5))))
    levels = int(rng.integers(3, 8))
    least = rng.choice([0.35, 0.12])  # share of its box that an object fills: blobs only, or crescents and branches too
    cuts = np.quantile(smooth, np.sort(rng.uniform(0.05, 0.97, levels - 1)))
    band = ndimage.median_filter(np.searchsorted(cuts, smooth), 3)
    labels, value = np.zeros(grey.shape, np.uint8), 0
    for level in rng.permutation(levels):
        parts, number = ndimage.label(band == level)
        for index, place in enumerate(ndimage.find_objects(parts), 1):
            part = parts[place] == index
            area, (h, w) = part.sum(), part.shape
            compact = area > least * h * w and min(h, w) > 0.02 * max(grey.shape)
            if compact and 0.001 < area / grey.size < 0.5 and value < 250:
                value += 1
                whole = ndimage.binary_fill_holes(part) if rng.random() < 0.5 else part
                labels[place][whole] = value
    return Scene("segments", f"{scene.source}/{scene.name}", scene.image, labels, None, instances=True)


def composite_scene(rng, real, size=256):
    """The outline of a real or drawn object, filled from one real image and laid on another: known shapes in textures that
    never went together."""
    def patch():
        image = real[rng.integers(len(real))].image
        image = image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)
        height, width = image.shape[:2]
        side = int(min(height, width) * rng.uniform(0.3, 1))
        y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
        scaled = Image.fromarray(image[y : y + side, x : x + side]).resize((size, size), Image.BILINEAR)
        return np.asarray(scaled, np.float32)

    if rng.random() < 0.6:
        donor = real[rng.integers(len(real))]
        values = [v for v in np.unique(donor.labels) if v]
        shape = donor.labels == rng.choice(values)
        box = Image.fromarray(shape.astype(np.uint8) * 255)
        shape = np.asarray(box.resize((size, size), Image.BILINEAR, box=_window(rng, shape))) > 127
    else:
        shape = _outline(rng, size, rng.uniform(0.06, 0.35))
    inner, outer = patch(), patch()
    if rng.random() < 0.5:  # so that texture must tell, not brightness
        inner += (outer.mean((0, 1)) - inner.mean((0, 1))) * rng.uniform(0.3, 1)
    if rng.random() < 0.5:  # faint: the ground shows through
        inner = outer + (inner - outer) * np.exp(rng.uniform(np.log(0.15), np.log(0.6)))
    soft = phantoms.blurred(shape.astype(np.float32), np.exp(rng.uniform(np.log(0.4), np.log(3))))[..., None]
    image = outer + soft * (inner - outer)
    if rng.random() < 0.5:
        image = image.mean(2)
    return Scene("composites", "", phantoms.to_bytes(image), shape.astype(np.uint8), None)


def _window(rng, mask):
    """(x0, y0, x1, y1) of a square about a mask, one to three times its extent, kept inside where it fits."""
    ys, xs = np.nonzero(mask)
    height, width = mask.shape
    reach = max(np.ptp(xs), np.ptp(ys)) + 1
    side = min(min(height, width), max(24, reach * rng.uniform(1.1, 3)))
    x0 = np.clip((xs.min() + xs.max()) / 2 - side * rng.uniform(0.35, 0.65), 0, width - side)
    y0 = np.clip((ys.min() + ys.max()) / 2 - side * rng.uniform(0.35, 0.65), 0, height - side)
    return x0, y0, x0 + side, y0 + side


def synthetic_bank(counts, cache: Path, real):
    """{kind: [Scene]} for training; drawn once and kept in `cache` (a folder). `real` is what the last two kinds are
    made of: training images only."""
    makers = {
        "shapes": lambda i: shapes_scene((1, i)),
        "things": lambda i: things_scene((1, i)),
        "segments": lambda i: segments_scene(np.random.default_rng((5, i)), real[i % len(real)]),
        "composites": lambda i: composite_scene(np.random.default_rng((6, i)), real),
        **{kind: lambda i, k=kind: sketch_scene(k, (1, i)) for kind in sketches.KINDS},
    }
    bank = {}
    for kind, count in counts.items():
        path = cache / f"{kind}-{count}.npz"
        if not path.exists():
            make = makers.get(kind, lambda i, k=kind: phantom_scene(k, (1, i)))
            made = [s for s in map(make, range(count)) if s.labels.any()]
            arrays = {f"image{i}": s.image for i, s in enumerate(made)} | {
                f"labels{i}": s.labels for i, s in enumerate(made)
            }
            notes = [(s.source, s.name, s.salient, s.instances) for s in made]
            partial = path.with_suffix(".partial.npz")
            np.savez(partial, notes=json.dumps(notes), **arrays)
            partial.replace(path)
        with np.load(path) as stored:
            notes = json.loads(str(stored["notes"]))
            bank[kind] = [
                Scene(
                    source, name, stored[f"image{i}"], stored[f"labels{i}"], None if salient is None else tuple(salient), instances
                )
                for i, (source, name, salient, instances) in enumerate(notes)
            ]
    return bank
