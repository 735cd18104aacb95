"""Light and dark, names, contrast, focus, and the whole way by keyboard alone."""

import pathlib
import shutil
import tempfile

from selenium.webdriver import ActionChains, Keys

from support import accessibility
from support.case import BrowserCase
from support.label_maps import LABELS, label_map
from support.pictures import bounds, centre, dice
from support.server import mask_of, queries, support


class LooksTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        cls.task = cls.server.adapted_task(budget_seconds=1)
        cls.maps = pathlib.Path(tempfile.mkdtemp(prefix="gmiseg-label-maps-"))
        cls.addClassCleanup(shutil.rmtree, cls.maps)
        cls.pairs = [(image, label_map(image, cls.maps)) for image in support(2)]
        cls.labelled_task = cls.server.task({"name": "Ventricle and wall", "labels": LABELS}, cls.pairs, steps=2, seed=1, budget_seconds=1)

    def theme(self, name: str) -> None:
        self.choose("Theme", name)
        self.until(lambda _: self.driver.execute_script("return document.documentElement.dataset.theme") == name.lower(), name)
        # Edges take a tenth of a second to their new colour.
        self.until(lambda _: self.driver.execute_script("return document.getAnimations().length") == 0, "colours at rest")

    def everywhere(self):
        """Each view with something in it, in turn."""
        self.visit("/tasks")
        yield "tasks"
        self.visit(f"/tasks/{self.task['id']}")
        self.see(".job[data-state=succeeded]")
        yield "task"
        self.visit("/tasks/new")
        images = support(2)
        self.drop(".examplespane .drop", *images, mask_of(images[0]))
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == 2, "cards")
        # The server's opinion of the examples is the last that changes them.
        if self.offers("dryRun"):
            self.see(".estimate")
        yield "editor"
        self.press("Remove " + images[0].stem)
        self.press("Remove " + images[1].stem)
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(queries()[0])
        self.click_image(*centre(mask_of(queries()[0])))
        for summary in self.css("aside summary"):
            summary.click()
        yield "segment"
        self.visit(f"/batch?task={self.task['id']}")
        self.upload("Choose files", *queries(2))
        self.press("Segment all")
        self.until(lambda _: len(self.css(".tile.done")) == 2, "tiles")
        yield "batch"
        self.press("Clear")
        self.until(lambda _: not self.css(".tile"), "cleared")
        yield from self.everywhere_with_labels()
        self.visit("/about")
        yield "about"

    def everywhere_with_labels(self):
        """What is different where a task has several labels."""
        self.visit(f"/tasks/{self.labelled_task['id']}")
        self.see(".job[data-state=succeeded]")
        self.until(lambda _: len(self.css(".examples canvas")) == 2, "the examples")
        yield "labels-task"
        self.visit("/tasks/new")
        self.drop(".examplespane .drop", *[path for pair in self.pairs for path in pair])
        self.see(".estimate")
        self.until(lambda _: len(self.css(".card .thumbnail canvas")) == 2, "cards")
        yield "labels-editor"
        for image, _ in self.pairs:
            self.press("Remove " + image.stem)
        self.visit(f"/segment?task={self.labelled_task['id']}")
        self.open_image(queries()[0])
        before = self.answers()
        self.upload("Open mask", label_map(queries()[0], self.maps))
        # The column is there at once, and made again by the answer that has the metrics.
        self.settled(before + 1)
        self.until(lambda _: len(self.css(".legend thead th")) == 4, "Dice in the legend")
        yield "labels-segment"
        self.press("Take away")

    def test_text_has_contrast_in_both_themes(self) -> None:
        for view in self.everywhere():
            for theme in ("Light", "Dark"):
                self.theme(theme)
                with self.subTest(view=view, theme=theme):
                    self.assertEqual(self.driver.execute_script(accessibility.CONTRAST), [])
                    self.screenshot(f"{view}-{theme.lower()}")

    def test_everything_has_a_name_and_a_place(self) -> None:
        for view in self.everywhere():
            with self.subTest(view=view):
                self.assertEqual(self.driver.execute_script(accessibility.STRUCTURE), [])
                nameless = [
                    element.get_attribute("outerHTML")[:120] for element in self.driver.execute_script(accessibility.CONTROLS)
                    if not element.accessible_name and element.aria_role not in ("status", "group", "alert", "generic", "none")]
                self.assertEqual(nameless, [])

    def test_the_focus_goes_through_everything_in_order(self) -> None:
        for view in self.everywhere():
            with self.subTest(view=view):
                expected = self.driver.execute_script(accessibility.TABBABLE)
                # To the very beginning of the document, by key, so that the focus is one of the keyboard's.
                self.driver.execute_script("document.querySelector('nav a').focus()")
                ActionChains(self.driver, duration=0).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
                reached = []
                for _ in range(len(expected)):
                    element, has_outline, is_in_view = self.driver.execute_script(accessibility.FOCUS)
                    self.assertTrue(has_outline, f"no sign of the focus: {element.get_attribute('outerHTML')[:120]}")
                    self.assertTrue(is_in_view, f"focus out of sight: {element.get_attribute('outerHTML')[:120]}")
                    reached.append(element)
                    ActionChains(self.driver, duration=0).send_keys(Keys.TAB).perform()
                self.assertEqual([e.get_attribute("outerHTML")[:90] for e in reached], [e.get_attribute("outerHTML")[:90] for e in expected])

    def test_follows_the_systems_theme(self) -> None:
        for scheme in ("dark", "light"):
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.visit("/tasks")
            # The browser tells a page of the change a little after it was asked to make it.
            self.until(lambda _: self.driver.execute_script("return document.documentElement.dataset.theme") == scheme, scheme)
            grounds = self.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
            brightness = sum(int(part) for part in grounds.strip("rgb()").split(",")) / 3
            self.assertEqual(brightness < 128, scheme == "dark")
        self.theme("Dark")
        self.driver.refresh()
        self.see("main .view > *")
        self.assertEqual(self.driver.execute_script("return document.documentElement.dataset.theme"), "dark", "the choice is remembered")

    def test_all_of_it_by_keyboard(self) -> None:
        image = queries()[0]
        truth = mask_of(image)
        self.visit("/tasks")
        self.tab_to("Skip to content")
        self.keys(Keys.ENTER)
        self.tab_to(f"Segment with {self.task['name']}")
        self.keys(Keys.ENTER)
        self.see(".workspace")
        # Choosing a file is the system's dialog, which has keys of its own; only that step is done for it.
        self.tab_to("Open image")
        self.open_image(image)
        self.tab_to("Image")
        x, y = centre(truth)
        self.move((128, 128), (x, y))
        before = self.answers()
        self.keys(Keys.ENTER)
        self.settled(before + 1)
        self.assertEqual(self.steadily(lambda: self.css(".prompts li span")[0].text), f"+ object {x}, {y}")
        self.screenshot("keyboard")
        x0, y0, x1, y1 = bounds(truth)
        self.move((x, y), (x0, y0))
        self.keys("b")
        self.move((x0, y0), (x1, y1))
        self.keys("b")
        self.settled(before + 2)
        self.assertEqual(self.steadily(lambda: self.css(".prompts li span")[0].text), f"Box {x0}, {y0} to {x1}, {y1}")
        self.move((x1, y1), (x1 + 10, y1 + 10))
        self.keys(Keys.BACKSPACE)
        self.settled(before + 3)
        ActionChains(self.driver, duration=0).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        self.settled(before + 4)
        self.keys("a")
        self.settled(before + 5)
        self.assertGreater(len(self.css("[role=radio]")), 1)
        self.keys("+", "0", "]", "w", "p")
        self.tab_to("Mask (PNG)")
        self.keys(Keys.ENTER)
        self.assertGreater(dice(self.downloaded(f"{image.stem}_mask.png"), truth), 0.6)
        # A button that vanishes hands the focus on.
        self.tab_to("Remove the box")
        self.keys(Keys.ENTER)
        self.settled(before + 6)
        self.assertNotEqual(self.driver.execute_script("return document.activeElement.tagName"), "BODY")
        self.assertIn("pixel", self.driver.execute_script("return document.getElementById('announcer').textContent"))

    def keys(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def move(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        actions = ActionChains(self.driver, duration=0)
        for distance, forward, back in (
            (end[0] - start[0], Keys.ARROW_RIGHT, Keys.ARROW_LEFT), (end[1] - start[1], Keys.ARROW_DOWN, Keys.ARROW_UP)):
            key = forward if distance > 0 else back
            tens, ones = divmod(abs(distance), 10)
            actions.key_down(Keys.SHIFT).send_keys(key * tens).key_up(Keys.SHIFT).send_keys(key * ones)
        actions.perform()

    def tab_to(self, name: str) -> None:
        """Tab, as often as it takes to go once around."""
        for _ in range(80):
            element = self.driver.execute_script("return document.activeElement")
            if element.tag_name != "body" and element.accessible_name == name:
                return
            ActionChains(self.driver, duration=0).send_keys(Keys.TAB).perform()
        self.fail(f"Tab does not reach {name!r}")
