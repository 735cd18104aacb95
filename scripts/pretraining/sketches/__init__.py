"""Sketches of anatomy that the training images lack: a head, chest, belly, pelvis and limb in slices; the eye and its
disc with cup, the gut from inside, tools in it, moles; blood cells, glands, cells in a dish, neuropil; tissue and heart by
ultrasound, layers by optical coherence tomography, bones and vessels by X-ray.

They need not fool a reader. What counts is how things lie: what encloses what, what is faint beside what is bright, what
repeats. Contrasts are drawn far wider than any one device has them. Each takes a generator and a side and returns (image,
uint8 [size, size] or [size, size, 3]; labels, uint8 [size, size], 0 the ground; salient), `salient`
being the labels of the promptless target, None for all and () where nothing is what anyone would want unasked; a label
means the same in every sketch of a kind.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
import phantoms  # noqa: E402, F401 - the tools of the examples' phantoms, which are drawn upon throughout

from .beams import angiogram, radiograph  # noqa: E402
from .electrons import neuropil  # noqa: E402
from .eye import disc, fundus  # noqa: E402
from .gut import endoscopy, instrument  # noqa: E402
from .heads import head  # noqa: E402
from .hips import limb, pelvis  # noqa: E402
from .skin import mole  # noqa: E402
from .slides import culture, glands, smear  # noqa: E402
from .trunk import belly, chest  # noqa: E402
from .waves import echocardiogram, sonogram, strata  # noqa: E402

KINDS = {
    kind.__name__: kind
    for kind in (
        *(head, chest, belly, pelvis, limb),
        *(fundus, disc, endoscopy, instrument, mole, smear, glands, culture, neuropil),
        *(sonogram, echocardiogram, strata, radiograph, angiogram),
    )
}
