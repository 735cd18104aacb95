"""Tasks of several labels: defined by label maps or by drawing, segmented, corrected label by label, measured, exported."""

import base64
import csv
import io
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import zipfile

from selenium.webdriver import ActionChains
from selenium.webdriver.remote.webelement import WebElement

from support.case import BrowserCase
from support.label_maps import CAVITY, LABELS, NAMES, WALL, label_dice, label_map, values
from support.pictures import bounds, centre
from support.server import mask_of, queries, support


class LabelCase(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        cls.maps = pathlib.Path(tempfile.mkdtemp(prefix="gmiseg-label-maps-"))
        cls.addClassCleanup(shutil.rmtree, cls.maps)
        cls.pairs = [(image, label_map(image, cls.maps)) for image in support(3)]


class DefiningLabelsTests(LabelCase):
    def test_defines_a_task_by_label_maps(self) -> None:
        self.visit("/tasks/new")
        self.drop(".examplespane .drop", *[image for image, _ in self.pairs], *[mask for _, mask in self.pairs])
        self.until(lambda _: len(self.css("fieldset.labels li")) == 2, "a row for each value")
        rows = self.steadily(lambda: [row.text for row in self.css("fieldset.labels li")])
        self.assertEqual([row.split("\n")[0] for row in rows], ["1", "3"])
        self.assertTrue(all("in 3 masks" in row for row in rows))
        for value, name in NAMES.items():
            self.labelled(f"Name of label {value}").send_keys(name)
        self.labelled("Name").send_keys("Ventricle and wall")
        self.colour(f"Colour of label {WALL}", "#ff00ff")
        self.until(lambda _: "#ff00ff" in self.thumbnail_colours(), "the overlay has the colour")
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "all is there")
        self.assertIn("Images are seen whole", self.see(".estimate").text)
        self.screenshot("labels-new")

        # A reload loses nothing of it, and whoever wants one object can have that.
        self.driver.refresh()
        self.until(lambda _: self.labelled(f"Name of label {WALL}").get_attribute("value") == NAMES[WALL], "the names again")
        self.press("Take all as one object")
        self.see(".notice", "all of them are taken as one object")
        self.press("Take them as labels")
        self.until(lambda _: len(self.css("fieldset.labels li")) == 2, "labels again")

        self.press("For those who know")
        self.labelled("Steps").send_keys("2")
        self.labelled("Gain in held-out Dice to serve the adapter").send_keys("-1")
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "all is there")
        self.press("Create and adapt")
        self.see(".job[data-state=succeeded]", patience=300)
        self.assertIn("that gate_margin allows", self.see(".job .verdict").text)
        text = lambda row, kind: [cell.text for cell in row.find_elements("css selector", kind)]
        table = "[aria-label='Held-out Dice by label'] tbody tr"
        rows = self.steadily(lambda: {text(row, "th")[0]: text(row, "td") for row in self.css(table)})
        self.assertEqual(list(rows), list(NAMES.values()))
        task = self.server.get("/v1/tasks")["tasks"][0]
        self.assertEqual((task["labels"], task["label_values"]), (list(NAMES.values()), list(NAMES)))
        for label in task["held_out"]["labels"]:
            shown = [f"{label['prompts'][kind][who]['dice']['mean'] * 100:.1f} %" for kind in ("box", "point", "none") for who in ("base", "adapted")]
            self.assertEqual(rows[label["name"]], ["3", *shown])
        self.until(lambda _: len(self.css(".examples canvas")) == 3, "the examples")
        self.assertIn("myocardium (3)", self.see(".outlines").text)
        self.screenshot("labels-task")
        self.visit("/tasks")
        self.assertEqual(self.see(".labelline").text.split("\n"), list(NAMES.values()))
        self.screenshot("labels-tasks")

    def test_tells_where_a_label_was_found_that_is_not_there(self) -> None:
        def label(value: int, *absent: int) -> dict:
            scores = {who: {"dice": {"mean": share}} for who, share in (("base", 0.25), ("adapted", 0.5))}
            names = ("examples", "base_found", "adapted_found")
            return {"value": value, "name": None, "examples": 8 - absent[0], "prompts": {"none": scores}, "absent": dict(zip(names, absent))}

        def rows(*labels: dict) -> list[list[str]]:
            return self.run_module("""
                const { labelTable } = await import('/js/jobs/plots.js');
                const table = labelTable({ labels: given[0] }, () => '#ffffff');
                return [...table.querySelectorAll('tr')].map((row) => [...row.children].map((cell) => cell.textContent));""", list(labels))

        self.visit("/tasks")
        some = rows(label(1, 0, 0, 0), label(2, 3, 2, 1))
        self.assertEqual(some[0][-1], "Found where absent")
        self.assertEqual([row[-4:] for row in some[2:]], [["25.0 %", "50.0 %", "–", "–"], ["25.0 %", "50.0 %", "2 of 3", "1 of 3"]])
        # Where every image shows every label there is nothing to tell.
        self.assertEqual([len(row) for row in rows(label(1, 0, 0, 0), label(2, 0, 0, 0))[2:]], [4, 4])

    def colour(self, name: str, value: str) -> None:
        """A colour chooser opens a window of the system, which no test can use."""
        self.driver.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", self.labelled(name), value)

    def thumbnail_colours(self) -> list[str]:
        """Colours of the pixels on the outlines, which are opaque."""
        self.expected_console = ["willReadFrequently"]
        return self.driver.execute_script("""
            const canvas = document.querySelector('.card canvas');
            if (!canvas) return [];
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const found = new Set();
            for (let at = 0; at < data.length; at += 4) found.add('#' + [...data.slice(at, at + 3)].map((v) => v.toString(16).padStart(2, '0')).join(''));
            return [...found];""")

    def test_draws_two_labels(self) -> None:
        image = self.pairs[0][0]
        stage = "dialog.painter .stage"
        self.visit("/tasks/new")
        self.drop(".examplespane .drop", image)
        self.see(".card", "no mask yet")
        self.labelled("What the masks outline").send_keys("wall")
        # What was drawn in black and white becomes the first of the labels.
        self.press(f"Draw the mask of {image.stem}")
        x0, y0, x1, y1 = bounds(mask_of(image))
        self.drag_image((x0, y0), (x1, y0), stage=stage)
        self.press("Use this mask", within="dialog")
        self.see(".card", "mask drawn here")
        self.assertEqual(set(self.drawn()), {0, 255})
        self.press("Add a label")
        self.until(lambda _: len(self.css("fieldset.labels li")) == 2, "two labels")
        self.assertEqual(self.labelled("Name of label 1").get_attribute("value"), "wall")
        self.labelled("Name of label 2").send_keys("cavity")
        self.until(lambda _: set(self.drawn()) == {0, 1}, "drawn anew by its number")

        self.press(f"Edit the mask of {image.stem}")
        self.see("dialog.painter .quiet", "of wall")
        self.see(stage).send_keys("l")
        self.see("dialog.painter .quiet", "0 pixels of cavity")
        self.assertEqual(self.button("cavity", "dialog").get_attribute("aria-pressed"), "true")
        self.drag_image((x0, y1), (x1, y1), stage=stage)
        self.until(lambda _: not self.see("dialog.painter .quiet").text.startswith("0 "), "pixels of the cavity")
        self.press("Polygon", within="dialog")
        self.press("wall", within="dialog")
        canvas = self.see(f"{stage} canvas")
        for x, y in ((20, 20), (60, 20), (60, 60), (20, 60), (20, 20)):
            ActionChains(self.driver, duration=0).move_to_element_with_offset(canvas, *self.place(x, y, stage=stage)).click().perform()
        self.screenshot("labels-paint")
        self.press("Use this mask", within="dialog")
        self.until(lambda _: set(self.drawn()) == {0, 1, 2}, "both labels")
        drawn = self.drawn()
        self.assertEqual(drawn[40 * 256 + 40], 1, "the polygon is of the wall")
        self.assertEqual(drawn[y1 * 256 + (x0 + x1) // 2], 2, "the stroke is of the cavity")
        self.assertEqual(drawn[y0 * 256 + (x0 + x1) // 2], 1, "the first stroke is still there")

    def drawn(self) -> list[int]:
        text = self.run_module("""
            const {recall} = await import('/js/keep.js'); const {base64OfBytes} = await import('/js/image/mask.js');
            return base64OfBytes(new Uint8Array(await (await recall('draft')).rows[0].mask.arrayBuffer()));""")
        return values(base64.b64decode(text))


class UsingLabelsTests(LabelCase):
    @classmethod
    def prepare(cls) -> None:
        super().prepare()
        settings = {"name": "Ventricle and wall", "labels": LABELS, "spacing_mm": [1.4, 1.4]}
        cls.task = cls.server.task(settings, cls.pairs, steps=30, seed=1, budget_seconds=1)
        cls.image = queries()[0]
        cls.truth = label_map(cls.image, cls.maps)

    def rows(self) -> dict[str, list[str]]:
        """What the legend says of each label."""
        cells = lambda row: [cell.text for cell in row.find_elements("css selector", "td")]
        return self.steadily(lambda: {self.name(row): cells(row)[1:] for row in self.css(".legend tbody tr")})

    def name(self, row: WebElement) -> str:
        return row.find_element("css selector", "th").text.split("\n")[0].removesuffix(" not found")

    def exported(self) -> bytes:
        for old in self.downloads.iterdir():
            old.unlink()
        self.press("Label map (PNG)")
        return self.downloaded(f"{self.image.stem}_labels.png")

    def test_corrects_one_label_and_exports_the_map(self) -> None:
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(self.image)
        self.assertEqual(list(self.rows()), list(NAMES.values()))
        promptless = self.exported()
        self.assertLessEqual(set(values(promptless)), {0, CAVITY, WALL})
        self.upload("Open mask", self.truth)
        self.until(lambda _: all(len(row) == 2 for row in self.rows().values()), "Dice for each label")
        self.measures_agree(promptless)
        self.screenshot("labels-promptless")

        # A box says where the cavity is; the wall stays as it was, but for what the cavity takes.
        before = self.answers()
        x0, y0, x1, y1 = bounds(mask_of(self.image))
        self.drag_image((x0, y0), (x1, y1))
        self.settled(before + 1)
        corrected = self.exported()
        self.assertGreater(label_dice(corrected, self.truth, CAVITY), 0.75)
        taken = [new for old, new in zip(values(promptless), values(corrected)) if old == WALL and new != WALL]
        self.assertEqual(set(taken) - {CAVITY}, set(), "the wall loses pixels to the cavity alone")
        self.measures_agree(corrected)
        self.assertEqual(self.measures()["Dice"], f"{label_dice(corrected, self.truth, CAVITY) * 100:.2f} %")

        # Then the wall, by the key for the next label.
        self.see(".stage").send_keys("l")
        self.assertEqual(self.chosen_label(), "myocardium")
        self.assertEqual(len(self.css(".prompts li")), 0, "the box was of the other label")
        before = self.answers()
        self.drag_image((x0 - 13, y0 - 13), (x1 + 13, y1 + 13))
        self.settled(before + 1)
        both = self.exported()
        self.measures_agree(both)
        self.assertEqual(label_dice(both, corrected, CAVITY), 1, "what is within the box of the wall is not lost to the wall")
        self.screenshot("labels-corrected")

        # What is hidden is hidden in the picture alone.
        box = self.labelled("Show myocardium")
        shown = self.pixel(x0 - 6, (y0 + y1) // 2)
        box.click()
        self.until(lambda _: self.pixel(x0 - 6, (y0 + y1) // 2) != shown, "hidden")
        self.assertTrue(self.exported() == both, "the file has all labels")
        self.labelled("Show myocardium").click()

        # Each answer has its receipt, and its command.
        self.press("Answer (JSON)")
        answers = json.loads(self.downloaded(f"{self.image.stem}_answer.json"))
        self.assertEqual([answer["receipt"]["request"]["prompts"].get("label") for answer in answers], [None, CAVITY, WALL])
        commands = self.driver.execute_script("return document.querySelector('pre.mono').textContent").split("\n\n")
        self.assertEqual(len(commands), 3)
        shutil.copy(self.truth, self.downloads)
        for command in commands:
            subprocess.run(["bash", "-c", command], cwd=self.downloads, check=True)
        self.assertTrue((self.downloads / f"{self.image.stem}_labels.png").read_bytes() == promptless, "byte for byte")
        alone = values((self.downloads / f"{self.image.stem}_myocardium.png").read_bytes())
        expected = [value == WALL and other != CAVITY for value, other in zip(alone, values(corrected))]
        self.assertTrue([value == WALL for value in values(both)] == expected, "the wall's own answer, but for the cavity")

        # Undo goes back over the labels, and a reload keeps them.
        self.driver.refresh()
        self.settled(1)
        self.until(lambda _: len(self.rows()) == 2, "the legend again")
        self.assertEqual(self.chosen_label(), "myocardium")
        self.assertTrue(self.exported() == both, "the same map")
        self.press("Clear")
        self.until(lambda _: self.exported() == corrected, "the wall as it was")
        self.press("Undo")
        self.until(lambda _: self.exported() == both, "the wall again")

    def measures_agree(self, exported: bytes) -> None:
        """What the legend says is true of the file that is exported."""
        for value, name in NAMES.items():
            area, dice = self.rows()[name]
            pixels = values(exported).count(value)
            millimetres = pixels * 1.4 * 1.4
            self.assertEqual(area.split("\n"), [f"{pixels:,} px", f"{millimetres:,.{1 if millimetres < 1000 else 0}f} mm²"])
            self.assertEqual(dice, f"{label_dice(exported, self.truth, value) * 100:.1f} %")

    def chosen_label(self) -> str:
        return self.see("[aria-label='Label of the prompts'] [aria-checked=true]").text.split("\n")[0].removesuffix("•").strip()

    def pixel(self, x: int, y: int) -> list[int]:
        # The test reads the canvas back, which the page does not.
        self.expected_console = ["willReadFrequently"]
        return self.driver.execute_async_script("""
            const [dx, dy, done] = arguments;
            requestAnimationFrame(() => requestAnimationFrame(() => {
              const c = document.querySelector('.stage canvas');
              done([...c.getContext('2d').getImageData(c.width / 2 + dx, c.height / 2 + dy, 1, 1).data]);
            }));""", *self.place(x, y))

    def test_segments_objects_and_maps_of_the_label_that_is_chosen(self) -> None:
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(self.image)
        self.see(".labelchoice").find_elements("css selector", "button")[1].click()
        self.click_image(*centre(mask_of(self.image)))
        before = self.answers()
        self.press("Uncertainty")
        self.settled(before + 1)
        self.assertIn("Area, 95 %", self.measures())
        self.screenshot("labels-uncertainty")
        self.press("Mask")
        before = self.answers()
        self.press("Clear")
        self.settled(before + 1)
        before = self.answers()
        self.labelled("Each object").click()
        self.settled(before + 1)
        command = self.driver.execute_script("return document.querySelector('pre.mono').textContent")
        self.assertIn(f'{{"label":{WALL}}}', command)
        self.labelled("Each object").click()
        self.settled(before + 2)
        self.click_image(*centre(mask_of(self.image)))
        before = self.answers()
        self.labelled("Alternatives").click()
        self.settled(before + 1)
        self.assertGreater(len(self.css("[aria-label=Alternatives] [role=radio]")), 1)

    def test_a_batch_has_label_maps_and_a_row_for_each_label(self) -> None:
        images = queries(2)
        self.visit(f"/batch?task={self.task['id']}")
        self.upload("Choose files", *images)
        self.press("Segment all")
        self.until(lambda _: len(self.css(".tile.done")) == 2 and len(self.css(".tile canvas")) == 2, "all are through")
        for text in self.steadily(lambda: [labels.text for labels in self.css(".tile .tilelabels")]):
            self.assertEqual(text.split("\n")[::2], list(NAMES.values()))
        self.screenshot("labels-batch")
        self.press(f"Correct {images[0].name}")
        self.settled(1)
        x0, y0, x1, y1 = bounds(mask_of(images[0]))
        before = self.answers()
        self.drag_image((x0, y0), (x1, y1))
        self.settled(before + 1)
        self.press("Accept correction")
        self.see(".tile .good", "corrected")
        self.press("Download all (zip)")
        archive = zipfile.ZipFile(io.BytesIO(self.downloaded("gmiseg-batch.zip")))
        rows = list(csv.DictReader(io.StringIO(archive.read("results.csv").decode(), newline="")))
        self.assertEqual([(row["image"], row["label"], row["label_value"]) for row in rows],
                         [(image.name, name, str(value)) for image in images for value, name in NAMES.items()])
        for row in rows:
            pixels = values(archive.read(row["mask"])).count(int(row["label_value"]))
            self.assertEqual(int(row["area_px"]), pixels)
            self.assertAlmostEqual(float(row["area_mm2"]), pixels * 1.4 * 1.4, places=3)
        self.assertEqual([row["corrected"] for row in rows], ["yes", "yes", "no", "no"])
        self.assertGreater(label_dice(archive.read(rows[0]["mask"]), label_map(images[0], self.maps), CAVITY), 0.75)
        answers = json.loads(archive.read(f"answers/{images[0].stem}.json"))
        self.assertEqual(rows[0]["receipt_sha256"], answers[1]["receipt_sha256"], "the cavity's own answer")
        self.assertEqual(rows[1]["receipt_sha256"], answers[0]["receipt_sha256"])

        # Other prompts for all: of one label, which has to be said.
        self.choose("Prompt for each image", "One point in the middle of the image")
        self.choose("Label of the prompt", "myocardium")
        self.press("Segment all again")
        self.until(lambda _: len(self.css(".tile.done")) == 2 and self.see(".tile.done:first-child").text.count("px") == 1, "one label")
        self.assertRegex(self.steadily(lambda: self.css(".tile")[0].text), re.compile(r"myocardium"))
        # Its label map is taken as an example; what comes of that is not waited for.
        self.press("Teach the task 1 corrected image")
        self.press("Cancel", within=".job")
        self.see(".job[data-state=cancelled]")
        self.assertEqual(self.server.get(f"/v1/tasks/{self.task['id']}")["support_count"], 4)
