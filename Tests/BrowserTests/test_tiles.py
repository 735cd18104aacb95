"""Vessels: thin objects are adapted and answered in tiles, and the page says so."""

import json

from support.case import BrowserCase
from support.server import EXAMPLES, mask_of

IMAGES = sorted((EXAMPLES / "retina/support/images").glob("*.png"))
QUERY = sorted((EXAMPLES / "retina/queries/images").glob("*.png"))[0]


class TileTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        # As few as there can be: what is looked at is that answers are put together of tiles, not how good they are.
        cls.task = cls.server.task(
            {"name": "Vessels", "labels": ["vessel"], "adapter": {"kind": "decoder"}}, [(image, mask_of(image)) for image in IMAGES[:2]],
            steps=2, augmented_views=2, images_per_step=1, tiles=160, budget_seconds=1)

    def test_says_before_the_start_how_images_will_be_seen(self) -> None:
        self.visit("/tasks/new")
        images = IMAGES[:2]
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.see(".estimate", "overlapping tiles of")
        self.screenshot("tiles-new")
        self.press("For those who know")
        self.choose("Images are seen", "whole")
        self.see(".estimate", "Images are seen whole")
        self.choose("Images are seen", "in tiles of 192 px")
        self.see(".estimate", "overlapping tiles of 192 × 192 pixels")

    def test_answers_in_tiles(self) -> None:
        self.visit(f"/tasks/{self.task['id']}")
        self.assertIn("cut into overlapping tiles of 160 × 160 pixels", self.see("[aria-label=Task]").text)
        self.see(".job .verdict", "overlapping tiles of 160 × 160 pixels")
        self.screenshot("tiles-task")
        self.press("Segment", within=".page > header")
        self.open_image(QUERY)
        self.see("[aria-label=Result]", "in tiles of 160 px")
        self.assertFalse(self.labelled("Alternatives").is_enabled(), "candidates of different tiles make no whole")
        x, y = self.place(160, 160, size=(320, 320))
        before = self.answers()
        self.click_at(x, y)
        self.settled(before + 1)
        self.see("[aria-label=Result]", "in tiles of 160 px")
        self.screenshot("tiles-segment")
        self.press("Answer (JSON)")
        answer = json.loads(self.downloaded(f"{QUERY.stem}_answer.json"))
        self.assertEqual(answer["receipt"]["adaptation"]["tile_side"], 160)
        # The key for alternatives asks for none either.
        self.see(".stage").send_keys("a")
        self.assertEqual(self.css("#problems .problem"), [])
