"""The same page in Firefox: it loads, segments by a click, complains of nothing, and asks nobody else."""

import base64
import re
import unittest

from support.case import PATIENCE, SCREENSHOTS
from support.firefox import BINARY, Firefox
from support.pictures import centre
from support.server import LiveServer, mask_of, queries


@unittest.skipIf(BINARY is None, "there is no Firefox here: apt-get install firefox-esr")
class FirefoxTests(unittest.TestCase):
    def setUp(self) -> None:
        self.server = LiveServer()
        self.addCleanup(self.server.stop)
        self.firefox = Firefox(PATIENCE)
        self.addCleanup(self.firefox.stop)

    def answered(self, count: int) -> None:
        self.firefox.until(
            f"(document.querySelector('.workspace')?.dataset.answers ?? 0) >= {count} && document.querySelector('.workspace').dataset.pending === 'false'")

    def test_segments_by_a_click(self) -> None:
        firefox, image = self.firefox, queries()[1]
        firefox.visit(f"{self.server.address}/#/segment")
        firefox.until("document.querySelector('.workspace') !== null")
        firefox.choose_file("Open image", image)
        self.answered(1)
        # Where a pixel of the image, 256 by 256 and shown whole, is in the window.
        x, y = centre(mask_of(image))
        left, top = (firefox.evaluate(f"""(() => {{
            const box = document.querySelector('.stage').getBoundingClientRect();
            const scale = Math.min(box.width - 24, box.height - 24) / 256;
            return box.{side} + box.{size} / 2 + ({place} + 0.5 - 128) * scale;
        }})()""") for side, size, place in (("left", "width", x), ("top", "height", y)))
        firefox.click(round(left), round(top))
        self.answered(2)
        firefox.choose_file("Open mask", mask_of(image))
        self.answered(3)
        measures = firefox.evaluate("document.querySelector('[aria-label=Measures]').textContent")
        dice = float(firefox.evaluate(
            "[...document.querySelectorAll('[aria-label=Measures] dt')].find((e) => e.textContent === 'Dice').nextSibling.textContent").split()[0])
        command = firefox.evaluate("document.querySelector('pre.mono').textContent")
        prompts = re.search(r"prompts=(\{.*?\})'", command)[1]
        self.assertIn('"points"', prompts)
        truth = self.server.post("/v1/segment", [("image", image), ("prompts", prompts), ("ground_truth", mask_of(image))])
        self.assertAlmostEqual(dice, 100 * truth["metrics"]["dice"], places=2, msg=measures)
        self.assertGreater(dice, 60, measures)
        for view in ("tasks", "tasks/new", "batch", "about"):
            firefox.evaluate(f"location.hash = '#/{view}'")
            firefox.until("document.querySelector('main h1') !== null && document.querySelector('main .view > *') !== null")
        firefox.evaluate("history.go(-4)")
        self.answered(1)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / "firefox.png").write_bytes(base64.b64decode(firefox.screenshot()))
        self.assertEqual(firefox.errors, [], "the console has complaints")
        self.assertGreater(len(firefox.requests), 10)
        for url in firefox.requests:
            self.assertTrue(url.startswith((self.server.address + "/", "about:", "data:")), url)
