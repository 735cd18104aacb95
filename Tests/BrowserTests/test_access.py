"""A server that wants a token: the page asks, uses it, keeps it in memory only."""

import time

from support.case import BrowserCase
from support.pictures import centre
from support.server import mask_of, queries


class AccessTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        # Made while the server runs: it takes them up within a second or two, and then lets nobody in without.
        cls.token = cls.server.token("ana", "train")
        cls.reader = cls.server.token("ben", "read")
        while cls.server.status("/v1/tasks") != 401:
            time.sleep(0.1)

    def enter(self, token: str) -> None:
        field = self.see("dialog input[type=password]")
        field.send_keys(token)
        self.press("Use token", within="dialog")

    def refusals(self) -> int:
        """How often the server has asked for a token since this was last called."""
        return sum("401" in entry["message"] for entry in self.driver.get_log("browser"))

    def test_asks_for_the_token_and_keeps_it_in_memory_only(self) -> None:
        self.expected_console = ["401"]
        self.driver.get(f"{self.server.address}/#/tasks")
        self.assertIn("token", self.see("dialog .problem").text)
        self.screenshot("access-token")
        self.enter("a wrong one")
        self.see("dialog .problem")
        self.enter(self.token)
        self.see("h2", "Nothing is defined yet")
        self.assertGreater(self.refusals(), 0)

        # Uploads carry it too.
        self.press("Segment without a task")
        self.open_image(queries()[0])
        self.click_image(*centre(mask_of(queries()[0])))
        self.assertEqual(self.refusals(), 0, "nobody asks twice")
        command = self.driver.execute_script("return document.querySelector('pre.mono').textContent")
        self.assertIn('-H "Authorization: Bearer $GMISEG_TOKEN"', command)
        self.assertNotIn(self.token, command)

        self.press("About")
        self.assertIn("ana", self.see("[aria-label=Access]").text)
        stored = self.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        self.assertNotIn(self.token, stored)
        self.driver.refresh()
        self.see("dialog input[type=password]")

    def test_goes_on_without_when_nobody_has_one(self) -> None:
        self.expected_console = ["401"]
        self.driver.get(f"{self.server.address}/#/tasks")
        self.see("dialog input[type=password]")
        self.press("Cancel", within="dialog")
        self.assertIn("token", self.see("main .problem").text)
        self.driver.get(f"{self.server.address}/#/about")
        self.press("Cancel", within="dialog")

    def test_says_what_a_token_may_not(self) -> None:
        self.expected_console = ["401", "403"]
        self.driver.get(f"{self.server.address}/#/about")
        self.enter(self.reader)
        self.assertIn("read", self.see("[aria-label=Access]", "ben").text)
        self.press("Segment")
        self.upload("Open image", queries()[0])
        self.assertIn("segment", self.see("#problems .problem").text)
        # Another token is entered without a reload, and what was chosen before can be tried again.
        self.press("Close this message")
        self.press("About")
        self.press("Use another token")
        self.enter(self.token)
        self.see("[aria-label=Access]", "ana")
        self.press("Segment")
        self.open_image(queries()[0])
        self.press("About")
        self.press("Forget the token")
        self.see("dialog input[type=password]")
        self.press("Cancel", within="dialog")
