"""A folder of images, the doubtful first; corrections; all of it in one file."""

import base64
import csv
import io
import json
import shutil
import zipfile

from selenium.webdriver import Keys

from support.case import BrowserCase
from support.pictures import centre, dice
from support.server import mask_of, queries


class BatchTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        cls.task = cls.server.adapted_task(count=4, steps=20, budget_seconds=1)

    def test_segments_corrects_and_downloads_a_folder(self) -> None:
        images = queries(3)
        broken = self.downloads / "broken.png"
        broken.write_bytes(images[0].read_bytes()[:500])
        self.expected_console = ["/v1/images"]
        self.visit(f"/batch?task={self.task['id']}")
        self.drop(".batchhead .drop", *images, broken)
        self.until(lambda _: len(self.css(".tile")) == 4, "four tiles")
        self.press("Segment all")
        self.until(lambda _: len(self.css(".tile.done")) == 3 and len(self.css(".tile.failed")) == 1, "all are through")
        self.until(lambda _: len(self.css(".tile .thumbnail canvas")) == 3, "pictures")
        self.assertIn("failed", self.steadily(lambda: self.css(".tile")[0].get_attribute("class")), "what failed comes first")
        doubts = self.steadily(lambda: [float(tile.get_attribute("data-uncertainty")) for tile in self.css(".tile.done")])
        self.assertEqual(doubts, sorted(doubts, reverse=True))
        self.screenshot("batch")

        # The worst is corrected by a click.
        worst = self.steadily(lambda: self.css(".tile.done")[0].get_attribute("data-stem"))
        image = next(path for path in images if path.stem == worst)
        self.press(f"Correct {image.name}")
        self.see(".imagename", image.name)
        self.settled(1)
        # Another image would be corrected under this one's name.
        self.drop(".viewport", next(path for path in images if path != image))
        self.click_image(*centre(mask_of(image)))
        self.assertEqual(self.see(".imagename").text, image.name)
        self.screenshot("batch-correct")
        self.press("Accept correction")
        self.see(".tile .good", "corrected")
        self.assertEqual(self.steadily(lambda: self.css(".tile")[-1].get_attribute("data-stem")), worst, "what is corrected comes last")

        # A reload loses nothing.
        self.driver.refresh()
        self.see(".tile .good", "corrected")
        self.assertEqual(len(self.css(".tile")), 4)

        # What failed is tried again by itself.
        uploads = lambda: sum(url.endswith("/v1/images") for url in self.requests())
        before = uploads()
        self.press("Try 1 failed image again")
        self.until(lambda _: uploads() > before and self.css(".tile.failed"), "it fails again")
        self.assertEqual(uploads(), before + 1, "nothing else is segmented anew")

        self.press("Download all (zip)")
        archive = zipfile.ZipFile(io.BytesIO(self.downloaded("gmiseg-batch.zip")))
        self.assertIsNone(archive.testzip())
        rows = list(csv.DictReader(io.StringIO(archive.read("results.csv").decode(), newline="")))
        self.assertEqual([row["image"] for row in rows], [path.name for path in images])
        self.assertEqual({row["image"]: row["corrected"] for row in rows}[image.name], "yes")
        # Of a corrected mask nobody has tried how uncertain it is.
        self.assertEqual([row["uncertainty"] == "" for row in rows], [path == image for path in images])
        for row, path in zip(rows, images):
            mask = archive.read(row["mask"])
            answer = json.loads(archive.read(f"answers/{path.stem}.json"))
            self.assertEqual(dice(mask, base64.b64decode(answer["masks"][0]["png"])), 1)
            if path == image:
                self.assertGreater(dice(mask, mask_of(path)), 0.7, row)
            self.assertEqual(answer["receipt_sha256"], row["receipt_sha256"])

        if self.offers("moreSupport"):
            self.press("Teach the task 1 corrected image")
            self.see(".job[data-state=succeeded]", patience=300)
            versions = self.server.get(f"/v1/tasks/{self.task['id']}")["versions"]
            self.assertEqual([version["version"] for version in versions], [1, 2])
            self.screenshot("batch-taught")
            self.teach_another(images, taught=image)

    def teach_another(self, images: list, taught) -> None:
        """What the task knows already is not sent again."""
        self.see(".tile .good", "corrected and taught")
        self.assertFalse(self.button("Teach the task 0 corrected images").is_enabled())
        image = next(path for path in images if path != taught)
        self.press(f"Correct {image.name}")
        self.see(".imagename", image.name)
        self.settled(1)
        self.click_image(*centre(mask_of(image)))
        self.press("Accept correction")
        self.press("Teach the task 1 corrected image")
        self.see(".job[data-state=succeeded]", patience=300)
        task = self.server.get(f"/v1/tasks/{self.task['id']}")
        self.assertEqual([example["stem"] for example in task["support"]][-2:], [taught.stem, image.stem])

    def segment(self, *images) -> None:
        self.visit(f"/batch?task={self.task['id']}")
        self.upload("Choose files", *images)
        self.press("Segment all")
        self.until(lambda _: len(self.css(".tile.done")) == len(images), "all are through")

    def test_a_reload_in_a_correction_loses_nothing(self) -> None:
        image = queries(1)[0]
        spacing = "Pixel spacing in x, millimetres"
        self.segment(image)
        self.press(f"Correct {image.name}")
        self.settled(1)
        self.click_image(*centre(mask_of(image)))
        before = self.answers()
        self.labelled(spacing).send_keys("0.7", Keys.TAB)
        self.settled(before + 1)
        self.drop("[aria-label='Ground truth'] .drop", mask_of(image))
        self.until(lambda _: "Dice" in self.measures(), "measures")
        measures, prompts = self.measures(), self.see(".prompts").text
        for _ in range(2):
            self.driver.refresh()
            self.settled(1)
            self.until(lambda _: self.measures() == measures, "the same measures")
            self.assertEqual(self.see(".prompts").text, prompts)
            self.assertEqual(self.labelled(spacing).get_attribute("value"), "0.7")

        # What was left on purpose does not come back.
        self.press("Back to the batch")
        self.press(f"Correct {image.name}")
        self.settled(1)
        self.assertEqual((self.css(".prompts"), self.labelled(spacing).get_attribute("value")), ([], ""))
        self.assertNotIn("Dice", self.measures())

        # Nor does it after the correction; that is where the next one starts.
        self.click_image(*centre(mask_of(image)))
        self.press("Accept correction")
        self.see(".tile .good", "corrected")
        self.press(f"Correct {image.name}")
        self.settled(1)
        self.assertEqual(self.see(".prompts").text, prompts)
        self.press("Undo")
        self.gone(".prompts")

    def test_what_cannot_be_kept_is_told(self) -> None:
        images = queries(3)
        self.visit(f"/batch?task={self.task['id']}")
        self.leave_no_room_for(" batch 1")
        self.upload("Choose files", *images)
        self.until(lambda _: len(self.css(".tile")) == 3, "all are there")
        self.see(".panel .warn", "1 image could not be kept")
        self.press("Segment all")
        self.until(lambda _: len(self.css(".tile.done")) == 3, "all are through")
        self.until(lambda _: self.button("Segment all again").is_enabled(), "the end")
        self.assertEqual(self.css("#problems .problem"), [])
        self.assertIn("1 image could not be kept", self.see(".panel .warn").text)
        # The view that corrects would not find it.
        links = self.steadily(
            lambda: {tile.get_attribute("data-stem"): len(tile.find_elements("css selector", "a")) for tile in self.css(".tile")})
        self.assertEqual(links, {images[0].stem: 1, images[1].stem: 0, images[2].stem: 1})
        self.screenshot("batch-unkept")
        self.press("Download all (zip)")
        archive = zipfile.ZipFile(io.BytesIO(self.downloaded("gmiseg-batch.zip")))
        self.assertEqual(sum(name.startswith("masks/") for name in archive.namelist()), 3)
        self.press("Clear")
        self.until(lambda _: not self.css(".tile"), "cleared")
        self.assertEqual(self.driver.execute_script("return document.querySelector('.panel .warn').textContent"), "")

    def test_clears_a_batch_though_the_server_deletes_nothing(self) -> None:
        # No other test has sent this one.
        image = queries(4)[3]
        self.segment(image)
        stored = self.server.get("/readyz")["images"]
        self.driver.execute_script("window.fetch = () => Promise.reject(new TypeError('away'))")
        self.press("Clear")
        self.see("#problems .problem", "does not answer")
        self.assertEqual((self.css(".tile"), self.server.get("/readyz")["images"]), ([], stored))
        self.driver.refresh()
        self.see(".batchhead")
        self.until(lambda _: self.server.get("/readyz")["images"] == stored - 1, "it is gone from the server")
        self.assertEqual(self.css(".tile"), [])

    def test_the_focus_stays_while_others_are_segmented(self) -> None:
        self.visit(f"/batch?task={self.task['id']}")
        self.driver.execute_script("""
            const own = window.fetch;
            const released = new Promise((resolve) => { window.release = resolve; });
            let count = 0;
            window.fetch = async (path, options) => {
              if (path.endsWith('/segment')) count += 1;
              if (count > 1) await released;
              return own(path, options);
            };""")
        self.upload("Choose files", *queries(2))
        self.press("Segment all")
        name = self.see(".tile.done a").accessible_name
        self.driver.execute_script("document.querySelector('.tile.done a').focus(); release()")
        self.until(lambda _: len(self.css(".tile.done")) == 2, "all are through")
        self.until(lambda _: self.button("Segment all again").is_enabled(), "the end")
        self.assertEqual(self.driver.switch_to.active_element.accessible_name, name)

    def test_prompts_by_the_policy_of_the_task(self) -> None:
        image = queries(1)[0]
        self.visit(f"/batch?task={self.task['id']}")
        self.choose("Prompt for each image", "The same box in every image")
        for side, value in zip(("left", "top", "right", "bottom"), (30, 30, 70, 70)):
            field = self.labelled(f"Box, {side}, per cent")
            field.clear()
            field.send_keys(str(value))
        self.upload("Choose files", image)
        self.press("Segment all")
        self.see(".tile.done")
        boxes = self.run_module("const {recall} = await import('/js/keep.js'); return (await recall('batch 0')).prompts.boxes;")
        self.assertEqual(boxes, [{"x0": 77, "y0": 77, "x1": 179, "y1": 179}])
        self.visit("/tasks")
        self.visit(f"/batch?task={self.task['id']}")
        self.assertEqual(self.labelled("Prompt for each image").get_attribute("value"), "box", "the policy is remembered")
        self.press("Clear")
        self.until(lambda _: not self.css(".tile"), "cleared")

    def test_what_is_added_while_others_are_being_kept_has_names_of_its_own(self) -> None:
        self.visit(f"/batch?task={self.task['id']}")
        live, kept = self.run_module("""
            const {Batch} = await import('/js/batch/batch.js');
            const batch = await Batch.open();
            const scans = (folder) => [1, 2, 3].map((number) => (
              {file: new File([folder + number], `00${number}.png`), path: `${folder}/00${number}.png`}));
            const names = (items) => items.map(({number, stem}) => [number, stem]);
            batch.add(scans('ana'));
            batch.add(scans('eva'));
            // Whoever leaves the view and comes back finds all of them.
            return [names(batch.items), names((await Batch.open()).items)];""")
        self.assertEqual(live, [[0, "001"], [1, "002"], [2, "003"], [3, "001-2"], [4, "002-2"], [5, "003-2"]])
        self.assertEqual(kept, live)

    def test_answers_are_shown_with_the_task_that_gave_them(self) -> None:
        self.visit("/batch")
        self.choose("Task", "No task: the base model")
        self.upload("Choose files", queries(1)[0])
        self.press("Segment all")
        self.see(".tile.done")
        self.visit("/tasks")
        self.visit(f"/batch?task={self.task['id']}")
        self.see(".tile.done")
        self.see("p.notice", "These masks are of the base model. Choose")
        self.assertEqual(self.labelled("Task").get_attribute("value"), "")
        self.choose("Task", self.task["name"])
        self.gone("p.notice")
        self.press("Segment all")
        self.see(".tile.done")
        self.driver.refresh()
        self.see(".tile.done")
        self.assertEqual(self.labelled("Task").get_attribute("value"), self.task["id"])
        self.assertEqual(self.css("p.notice:not([hidden])"), [])
        self.press("Download all (zip)")
        archive = zipfile.ZipFile(io.BytesIO(self.downloaded("gmiseg-batch.zip")))
        rows = list(csv.DictReader(io.StringIO(archive.read("results.csv").decode(), newline="")))
        self.assertEqual([row["task"] for row in rows], [self.task["id"]])

    def test_what_a_folder_holds_beside_images_is_told(self) -> None:
        folder = self.downloads / "scans"
        folder.mkdir()
        shutil.copy(queries(1)[0], folder)
        for name in ("a.dcm", "b.tif", ".DS_Store"):
            (folder / name).write_bytes(b"none")
        self.visit(f"/batch?task={self.task['id']}")
        self.upload("Choose a folder", folder)
        self.until(lambda _: len(self.css(".tile")) == 1, "the image")
        self.see("#problems .problem", "2 files of 3 left out")

    def test_new_images_have_pictures_of_their_own(self) -> None:
        self.visit(f"/batch?task={self.task['id']}")
        for image in queries(2):
            self.upload("Choose files", image)
            self.until(lambda _: [canvas.accessible_name for canvas in self.css(".tile canvas")] == [image.name], "its picture")
            self.press("Clear")
            self.until(lambda _: not self.css(".tile"), "cleared")

    def test_the_base_model_needs_a_prompt(self) -> None:
        self.visit("/batch")
        self.choose("Task", "No task: the base model")
        self.assertEqual(self.labelled("Prompt for each image").get_attribute("value"), "centre")
        self.assertFalse(self.css("option[value=none]")[0].is_enabled())
