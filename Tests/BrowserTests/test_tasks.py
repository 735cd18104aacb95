"""From an empty server to a task that has learnt."""

import base64

from PIL import Image
from selenium.webdriver import ActionChains, Keys

from support.case import PUBLISH, BrowserCase
from support.pictures import bounds, centre, dice
from support.server import mask_of, queries, support


class TaskCase(BrowserCase):
    def fill_in(self, name: str, steps: int | None) -> None:
        self.labelled("Name").send_keys(name)
        self.labelled("What the masks outline").send_keys("left ventricular cavity")
        for axis in "xy":
            self.labelled(f"Pixel spacing in {axis}, millimetres").send_keys("1.4")
        self.press("For those who know")
        if steps is not None:
            self.labelled("Steps").send_keys(str(steps))
        if not PUBLISH:
            # So few steps on so few images need not pass the gate; this is about the page.
            self.labelled("Gain in held-out Dice to serve the adapter").send_keys("-1")


class EmptyServerTests(TaskCase):
    def test_from_an_empty_server_to_an_exported_mask(self) -> None:
        self.visit("/tasks")
        self.screenshot("tasks-empty")
        self.press("Define a task")
        # The README's picture is of a job as people run it.
        images = support(8 if PUBLISH else 4)
        self.see(".editor")
        # Images and masks have the same names here, as in two folders: the pixels say which is which.
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == len(images), "thumbnails")
        self.assertEqual(self.steadily(lambda: {card.find_element("css selector", "canvas").accessible_name for card in self.css(".card")}),
                         {f"{image.stem} with its mask" for image in images})
        self.assertFalse(self.button("Create and adapt").is_enabled(), "a task needs a name")
        self.fill_in("Left ventricle, short axis", None if PUBLISH else 25)
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "all is there")
        if self.offers("dryRun"):
            self.assertIn("About", self.see(".estimate").text)
        self.screenshot("task-new")
        self.press("Create and adapt")
        self.see(".job[data-state=running]")
        self.screenshot("task-learning")
        self.see(".job[data-state=succeeded]", patience=300)
        if self.offers("events"):
            asked = [url for url in self.requests() if "/v1/jobs/" in url]
            self.assertTrue(asked and all(url.endswith("/events") for url in asked), "progress comes as events, unasked")
        self.see(".job .verdict", "The adapter is served")
        self.assertEqual(len(self.css(".job figure svg[role=img]")), 2, "the loss and the scores")
        self.see("[aria-label='Adapter versions']", "v1")
        self.until(lambda _: "adapter version 1" in self.see("[aria-label=Task]").text, "the adapter answers")
        self.screenshot("task-ready")
        self.press("Segment", within=".page > header")
        image = queries()[1]
        self.open_image(image)
        # Without a prompt the task already knows what to look for.
        self.assertIn("Adapter version 1", self.see("[aria-label=Result]").text)
        self.click_image(*centre(mask_of(image)))
        self.press("Mask (PNG)")
        self.assertGreater(dice(self.downloaded(f"{image.stem}_mask.png"), mask_of(image)), 0.8)
        self.visit("/tasks")
        self.assertIn("Adapter v1", self.see("table.tasks").text)
        self.screenshot("tasks-list")
        self.press("Delete Left ventricle, short axis")
        self.press("Delete", within="dialog")
        self.see("h2", "Nothing is defined yet")


class TaskTests(TaskCase):
    def test_the_mean_of_several_adapters(self) -> None:
        self.visit("/tasks/new")
        images = support(3)
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == len(images), "thumbnails")
        self.fill_in("A mean", 6)
        self.choose("What answers", "the mean of several, each trained without a part of them")
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "all is there")
        self.press("Create and adapt")
        self.see(".job[data-state=succeeded]", patience=300)
        self.until(lambda _: "mean of 3" in self.see("[aria-label=Task]").text, "three folds, three members")

    def test_draws_masks_by_brush_and_polygon(self) -> None:
        self.visit("/tasks/new")
        images = support(2)
        self.drop(".examplespane .drop", *images)
        self.see(".card", "no mask yet")
        self.assertFalse(self.button("Create and adapt").is_enabled())
        stage = "dialog.painter .stage"

        self.press(f"Draw the mask of {images[0].stem}")
        self.see(stage)
        x0, y0, x1, y1 = bounds(mask_of(images[0]))
        # An octagon around the middle of the truth's extent.
        middle, radius = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
        self.press("Polygon", within="dialog")
        corners = [(1, 0.4), (0.4, 1), (-0.4, 1), (-1, 0.4), (-1, -0.4), (-0.4, -1), (0.4, -1), (1, -0.4), (1, 0.4)]
        canvas = self.see(f"{stage} canvas")
        for dx, dy in corners:
            offset = self.place(middle[0] + dx * radius[0], middle[1] + dy * radius[1], stage=stage)
            ActionChains(self.driver, duration=0).move_to_element_with_offset(canvas, *offset).click().perform()
        self.see("dialog.painter .quiet", "pixels")
        drawn = int(self.see("dialog.painter .quiet").text.split()[0].replace(",", ""))
        self.screenshot("paint-polygon")
        self.press("Brush", within="dialog")
        self.drag_image((20, 20), (60, 20), stage=stage)
        self.until(lambda _: self.see("dialog.painter .quiet").text.split()[0] != f"{drawn:,}", "more pixels")
        self.screenshot("paint-brush")
        self.press("Undo", within="dialog")
        self.until(lambda _: self.see("dialog.painter .quiet").text.split()[0] == f"{drawn:,}", "undone")
        self.press("Use this mask", within="dialog")
        self.see(".card", "mask drawn here")
        mask = self.run_module("""
            const {recall} = await import('/js/keep.js'); const {base64OfBytes} = await import('/js/image/mask.js');
            const draft = await recall('draft');
            return base64OfBytes(new Uint8Array(await draft.rows[0].mask.arrayBuffer()));""")
        self.assertGreater(dice(base64.b64decode(mask), mask_of(images[0])), 0.85)

        # The other one is proposed by the base model, from a box.
        self.press(f"Draw the mask of {images[1].stem}")
        self.see(stage)
        self.press("Suggest", within="dialog")
        x0, y0, x1, y1 = bounds(mask_of(images[1]))
        # A failure is told where the person looks, and not beneath the dialog.
        self.driver.execute_script("window.kept = fetch; window.fetch = () => Promise.reject(new TypeError('away'))")
        self.drag_image((x0, y0), (x1, y1), stage=stage)
        self.see("dialog .problem", "does not answer")
        self.screenshot("paint-problem")
        self.press("Close this message", within="dialog")
        self.driver.execute_script("window.fetch = kept")
        self.drag_image((x0, y0), (x1, y1), stage=stage)
        self.until(lambda _: self.button("Use this mask", "dialog").is_enabled(), "a proposal")
        self.press("Use this mask", within="dialog")
        self.until(lambda _: len([1 for card in self.css(".card") if "drawn here" in card.text]) == 2, "both drawn")

        # A reload loses nothing of it.
        self.labelled("Name").send_keys("Drawn by hand")
        self.driver.refresh()
        self.until(lambda _: len([1 for card in self.css(".card") if "drawn here" in card.text]) == 2, "still there")
        self.assertEqual(self.labelled("Name").get_attribute("value"), "Drawn by hand")
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "ready")

    def test_escape_throws_no_drawn_mask_away(self) -> None:
        image = support(1)[0]
        self.visit("/tasks/new")
        self.drop(".examplespane .drop", image)
        self.press(f"Draw the mask of {image.stem}")
        self.drag_image((40, 40), (90, 40), stage="dialog.painter .stage")
        drawn = self.until(lambda _: self.button("Use this mask", "dialog").is_enabled() and self.see("dialog.painter .quiet").text, "pixels")
        for name in ("Polygon", "Brush"):
            self.press(name, within="dialog")
            for _ in range(2):
                ActionChains(self.driver, duration=0).send_keys(Keys.ESCAPE).perform()
            self.assertEqual(self.see("dialog.painter .quiet", patience=5).text, drawn)
        self.press("Use this mask", within="dialog")
        self.see(".card", "mask drawn here")

    def test_decodes_a_folder_a_few_at_a_time(self) -> None:
        self.visit("/tasks/new")
        self.driver.execute_script("""
            window.decoding = {now: 0, most: 0};
            const inflated = Response.prototype.arrayBuffer;
            Response.prototype.arrayBuffer = async function () {
              decoding.now += 1;
              decoding.most = Math.max(decoding.most, decoding.now);
              try { return await inflated.call(this); } finally { decoding.now -= 1; }
            };""")
        images = support(8)
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == len(images), "thumbnails")
        self.driver.execute_script("location.hash = '#/batch'")
        self.see(".batchhead")
        self.upload("Choose files", *images)
        self.until(lambda _: len(self.css(".tile .thumbnail canvas")) == len(images), "pictures")
        self.assertIn(self.driver.execute_script("return decoding.most"), range(1, 4))

    def test_a_check_of_what_has_changed_since_ends(self) -> None:
        self.visit("/tasks/new")
        if not self.offers("dryRun"):
            self.skipTest("this server does not look at examples beforehand")
        # A server that takes its time.
        self.driver.execute_script("""
            window.checks = {begun: 0, ended: 0};
            XMLHttpRequest.prototype.send = () => { checks.begun += 1; };
            XMLHttpRequest.prototype.abort = () => { checks.ended += 1; };""")
        checks = lambda: self.driver.execute_script("return [checks.begun, checks.ended]")
        image = support(1)[0]
        self.drop(".examplespane .drop", image, mask_of(image))
        self.until(lambda _: checks() == [1, 0], "a check")
        self.labelled("Name").send_keys("x")
        self.until(lambda _: checks() == [2, 1], "another instead of it")
        self.driver.execute_script("location.hash = '#/about'")
        self.until(lambda _: checks() == [2, 2], "none")

    def test_says_what_is_wrong_with_an_example(self) -> None:
        images = support(2)
        small = self.downloads / f"{images[0].stem}_mask.png"
        Image.new("L", (10, 10), 255).save(small)
        lonely = self.downloads / "nobody_mask.png"
        Image.new("L", (10, 10), 255).save(lonely)
        self.visit("/tasks/new")
        self.drop(".examplespane .drop", *images, small, lonely, mask_of(images[1]))
        self.see(".card .bad", "10 × 10")
        self.see(".notice", "nobody_mask.png")
        self.labelled("Name").send_keys("x")
        self.assertFalse(self.button("Create and adapt").is_enabled())
        self.screenshot("task-mistakes")
        self.press("Leave out")
        self.press(f"Remove {images[0].stem}")
        self.until(lambda _: len(self.css(".card")) == 1, "one card")
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "mended")

    def test_cancels_a_job(self) -> None:
        self.visit("/tasks/new")
        images = support(3)
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.fill_in("Never mind", 5000)
        self.until(lambda _: self.button("Create and adapt").is_enabled(), "all is there")
        self.press("Create and adapt")
        self.see(".job[data-state=running]")
        self.press("Cancel", within=".job")
        self.see(".job[data-state=cancelled]")
        self.see("[aria-label=Task]", "the adaptation was cancelled")

    def test_shows_the_refusal_of_the_server(self) -> None:
        self.expected_console = ["/v1/tasks"]
        self.visit("/tasks/new")
        images = support(1)
        self.drop(".examplespane .drop", *images, *[mask_of(image) for image in images])
        self.fill_in("Too many steps", 99999)
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == 1, "the example")
        self.driver.execute_script("arguments[0].disabled = false", self.button("Create and adapt"))
        self.press("Create and adapt")
        self.assertIn("steps", self.see("#problems .problem").text)
        self.assertEqual(len(self.css(".card")), 1, "what was put together is still there")
