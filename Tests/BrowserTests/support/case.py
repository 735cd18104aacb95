"""What every browser test stands on: a live server, a headless Chromium, and two things that must never happen."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest
from collections.abc import Callable

from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from .server import ROOT, LiveServer

SCREENSHOTS = pathlib.Path(os.environ.get("SCREENSHOTS", ROOT / ".browser/screenshots"))
# With PUBLISH=1 these become the README's pictures.
PUBLISH = bool(os.environ.get("PUBLISH"))
PUBLISHED = {"segment-truth": "page-segment", "task-ready": "page-task"}
PATIENCE = 90


class BrowserCase(unittest.TestCase):
    """A server for each class and a fresh browser profile for each test."""

    server_options: tuple[str, ...] = ()
    window = (1320, 860)

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = LiveServer(*cls.server_options)
        cls.addClassCleanup(cls.server.stop)
        cls.prepare()

    @classmethod
    def prepare(cls) -> None:
        """What the tests of a class share on the server."""

    def setUp(self) -> None:
        self.downloads = pathlib.Path(tempfile.mkdtemp(prefix="gmiseg-downloads-"))
        self.addCleanup(shutil.rmtree, self.downloads)
        options = webdriver.ChromeOptions()
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-device-scale-factor=1",
            "--hide-scrollbars", f"--window-size={self.window[0]},{self.window[1]}",
        ):
            options.add_argument(argument)
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads), "profile.default_content_setting_values.clipboard": 1})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        options.binary_location = shutil.which("chromium") or ""
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(PATIENCE)
        self.addCleanup(self.driver.quit)
        self.expected_console: list[str] = []
        self.requested: list[str] = []

    def tearDown(self) -> None:
        errors = [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and not any(text in entry["message"] for text in self.expected_console)
        ]
        self.assertEqual(errors, [], "the console has complaints")
        for url in self.requests():
            # What a fresh profile shows before the first page is the browser's own.
            if not url.startswith(("chrome:", "devtools:", "about:", "chrome-untrusted:")):
                self.assertTrue(url.startswith((self.server.address + "/", "blob:" + self.server.address)), url)

    def requests(self) -> list[str]:
        """Every address that the browser has asked for in this test."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
        return self.requested

    # Going about

    def visit(self, route: str = "/tasks") -> None:
        self.driver.get(f"{self.server.address}/#{route}")
        self.see("main .view > *")

    def css(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def see(self, selector: str, text: str | None = None, patience: float = PATIENCE) -> WebElement:
        """Waits for a shown element, with `text` in it when that is given."""

        def look(_: object) -> WebElement | None:
            for element in self.css(selector):
                if element.is_displayed() and (text is None or text in element.text):
                    return element
            return None

        return self.until(look, f"{selector} with {text!r}", patience)

    def gone(self, selector: str) -> None:
        self.until(lambda _: not any(element.is_displayed() for element in self.css(selector)), f"no {selector}")

    def until(self, condition: Callable, what: str, patience: float = PATIENCE):
        wait = WebDriverWait(self.driver, patience, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(condition, what)

    def steadily(self, read: Callable):
        """What `read` finds, read again where the page has built the elements anew meanwhile."""
        return self.until(lambda _: (read(),), "elements that stay")[0]

    def button(self, name: str, within: str = "body") -> WebElement:
        """A shown button, link or summary by its accessible name."""

        def look(_: object) -> WebElement | None:
            for element in self.css(f"{within} button, {within} a, {within} summary"):
                if element.is_displayed() and element.accessible_name == name:
                    return element
            return None

        return self.until(look, f"button {name!r}", 20)

    def press(self, name: str, within: str = "body") -> None:
        def click(_: object) -> bool:
            self.button(name, within).click()
            return True

        # The page may build the button anew between looking and clicking: then the new one is meant.
        self.until(click, f"press {name!r}")

    def labelled(self, label: str, within: str = "body") -> WebElement:
        """A form control by its accessible name."""

        def look(_: object) -> WebElement | None:
            for element in self.css(f"{within} input, {within} select, {within} textarea"):
                if element.get_attribute("type") != "file" and element.accessible_name == label:
                    return element
            return None

        return self.until(look, f"control {label!r}", 20)

    def choose(self, label: str, option: str) -> None:
        element = self.labelled(label)
        for candidate in element.find_elements(By.TAG_NAME, "option"):
            if candidate.text == option:
                return candidate.click()
        self.fail(f"{label!r} has no option {option!r}")

    def upload(self, name: str, *paths: pathlib.Path, within: str = "main") -> None:
        """Chooses files with the chooser whose button is called `name`."""

        def look(_: object) -> bool:
            for element in self.css(f"{within} input[type=file]"):
                if element.get_attribute("aria-label") == name:
                    element.send_keys("\n".join(str(path) for path in paths))
                    return True
            return False

        self.until(look, f"chooser {name!r}", 20)

    def drop(self, selector: str, *paths: pathlib.Path) -> None:
        """Drops files as a person drags them from a folder: by an input of the test's own, then the page's drop event."""
        self.driver.execute_script("""
            const input = document.createElement('input');
            input.type = 'file';
            input.multiple = true;
            input.id = 'dropped-by-test';
            document.body.append(input);""")
        self.driver.find_element(By.ID, "dropped-by-test").send_keys("\n".join(str(path) for path in paths))
        self.driver.execute_script("""
            const input = document.getElementById('dropped-by-test');
            const transfer = new DataTransfer();
            for (const file of input.files) transfer.items.add(file);
            input.remove();
            const target = document.querySelector(arguments[0]);
            for (const type of ['dragenter', 'dragover', 'drop'])
              target.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));""", selector)

    def run_module(self, body: str, *arguments):
        """Runs an async function body in the page; it may `import` the page's modules."""
        answer = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);"
            f"(async () => {{ {body} }})().then((value) => done({{value}}), (error) => done({{error: String(error.stack ?? error)}}));",
            *arguments)
        if "error" in answer:
            self.fail(answer["error"])
        return answer["value"]

    def leave_no_room_for(self, ending: str) -> None:
        """From now on the browser's storage is full for what is kept under a name that ends so."""
        self.expected_console.append("not kept over a reload")
        self.driver.execute_script("""
            const [ending] = arguments;
            const put = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = function (value, key) {
              if (key.endsWith(ending)) throw new DOMException('There is no room.', 'QuotaExceededError');
              return put.call(this, value, key);
            };""", ending)

    def offers(self, feature: str) -> bool:
        """Whether the server offers what `features.js` calls so."""
        return self.run_module("return (await (await import('/js/features.js')).readFeatures())[given[0]];", feature)

    def downloaded(self, name: str) -> bytes:
        """A download, once it is whole: Chromium holds its name with an empty file, and moves the whole one there at the end."""
        path = self.downloads / name

        def whole(_: object) -> bool:
            return path.exists() and path.stat().st_size > 0

        try:
            self.until(whole, name, 30)
        except TimeoutException:
            self.fail(f"{name} was not downloaded; there are {sorted(p.name for p in self.downloads.iterdir())}")
        return path.read_bytes()

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.driver.save_screenshot(str(path))
        if PUBLISH and name in PUBLISHED:
            # An octree keeps the few pixels of a rare colour, which a median cut gives up.
            picture = Image.open(path).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            picture.save(ROOT / f"docs/images/{PUBLISHED[name]}.png", optimize=True)

    # The viewer

    def open_image(self, path: pathlib.Path) -> None:
        before = self.answers()
        self.upload("Open image", path)
        self.see(".imagename", path.name)
        self.settled(before + 1)

    def answers(self) -> int:
        """How many answers the segment view has shown."""
        found = self.css(".workspace")
        return int(found[0].get_attribute("data-answers") or 0) if found else 0

    def settled(self, least: int) -> None:
        """Waits until `least` answers have come and none is awaited."""
        self.until(
            lambda _: self.answers() >= least and self.see(".workspace").get_attribute("data-pending") == "false",
            f"{least} answers and no more to come")

    def place(self, x: float, y: float, size: tuple[int, int] = (256, 256), stage: str = ".stage") -> tuple[int, int]:
        """Where the pixel (x, y) of a fitted image is, from the middle of the stage, which may be still to come."""
        width, height = self.driver.execute_script("return [arguments[0].clientWidth, arguments[0].clientHeight]", self.see(stage))
        scale = min((width - 24) / size[0], (height - 24) / size[1])
        return round((x + 0.5 - size[0] / 2) * scale), round((y + 0.5 - size[1] / 2) * scale)

    def click_at(self, x: int, y: int) -> None:
        """Clicks so far from the middle of the stage."""
        ActionChains(self.driver, duration=0).move_to_element_with_offset(self.see(".stage canvas"), x, y).click().perform()

    def click_image(self, x: float, y: float, button: str = "left", alt: bool = False, wait: bool = True) -> None:
        before = self.answers()
        actions = ActionChains(self.driver, duration=0)
        actions.move_to_element_with_offset(self.see(".stage canvas"), *self.place(x, y))
        if alt:
            actions.key_down(Keys.ALT)
        if button == "right":
            actions.context_click()
        else:
            actions.click()
        if alt:
            actions.key_up(Keys.ALT)
        actions.perform()
        if wait:
            self.settled(before + 1)

    def drag_image(self, start: tuple[float, float], end: tuple[float, float], stage: str = ".stage") -> None:
        (x0, y0), (x1, y1) = self.place(*start, stage=stage), self.place(*end, stage=stage)
        canvas = self.see(f"{stage} canvas")
        ActionChains(self.driver, duration=0).move_to_element_with_offset(canvas, x0, y0).click_and_hold() \
            .move_by_offset((x1 - x0) // 2, (y1 - y0) // 2).move_to_element_with_offset(canvas, x1, y1).release().perform()

    def measures(self) -> dict[str, str]:
        texts = lambda kind: [element.text for element in self.css(f"[aria-label=Measures] {kind}")]
        return self.steadily(lambda: dict(zip(texts("dt"), texts("dd"))))
