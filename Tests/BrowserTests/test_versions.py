"""Several versions of an adapter: which one is served, going back, and insisting on one."""

from selenium.webdriver import Keys

from support.case import BrowserCase
from support.pictures import centre
from support.server import mask_of, queries, support


class VersionTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        task = cls.server.adapted_task(count=3, steps=6, budget_seconds=1)
        image = support(4)[3]
        cls.task = cls.server.more_support(task, [(image, mask_of(image))])

    def served(self) -> list[str]:
        """The version that the table says is served."""
        rows = self.steadily(
            lambda: [[cell.text for cell in row.find_elements("css selector", "td")] for row in self.css("[aria-label='Adapter versions'] tbody tr")])
        return [row[0] for row in rows if row[1] == "yes"]

    def test_goes_back_to_an_earlier_version_and_forth(self) -> None:
        now = self.task["served_version"]
        other = 3 - now
        self.visit(f"/tasks/{self.task['id']}")
        self.see("[aria-label='Adapter versions']")
        self.assertEqual(self.served(), [f"v{now}"])
        self.screenshot("versions")
        for version in (other, now):
            self.press(f"Serve version {version}")
            self.until(lambda _: self.served() == [f"v{version}"], f"version {version} is served")
            self.assertIn(f"adapter version {version}", self.see("[aria-label=Task]").text)
            self.assertEqual(self.server.get(f"/v1/tasks/{self.task['id']}")["served_version"], version)
        self.press(f"Download version {other}")
        self.assertGreater(len(self.downloaded(f"{self.task['id']}-v{other}.safetensors")), 1000)

    def test_insists_on_a_version(self) -> None:
        image = queries()[0]
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(image)
        self.click_image(*centre(mask_of(image)))
        for version in (1, 2):
            before = self.answers()
            self.choose("Adapter", f"Version {version}")
            self.settled(before + 1)
            self.assertIn(f"Adapter version {version}", self.see("[aria-label=Result]").text)
            command = self.driver.execute_script("return document.querySelector('pre.mono').textContent")
            self.assertIn(f"segment?adapter={version}", command)
        before = self.answers()
        self.choose("Adapter", "The served one")
        self.settled(before + 1)
        self.assertNotIn("?adapter", self.driver.execute_script("return document.querySelector('pre.mono').textContent"))

    def test_goes_through_the_versions_by_key(self) -> None:
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(queries()[0])
        self.labelled("Adapter").send_keys(Keys.ARROW_DOWN)
        for version, key in ((1, Keys.ARROW_DOWN), (2, Keys.TAB)):
            self.see("[aria-label=Result]", f"Adapter version {version}")
            # The focus is where it was, and so is what is chosen.
            focused = self.driver.switch_to.active_element
            self.assertEqual((focused.accessible_name, focused.get_attribute("value")), ("Adapter", str(version)))
            focused.send_keys(key)

    def test_takes_up_a_version_that_was_served_meanwhile(self) -> None:
        image = queries()[0]
        self.visit(f"/segment?task={self.task['id']}")
        self.open_image(image)
        now = self.server.get(f"/v1/tasks/{self.task['id']}")["served_version"]
        self.server.serve_version(self.task, 3 - now)
        self.click_image(*centre(mask_of(image)))
        self.see("[aria-label=Image]", f"adapter version {3 - now}")
        self.assertIn(f"Adapter version {3 - now}", self.see("[aria-label=Result]").text)
