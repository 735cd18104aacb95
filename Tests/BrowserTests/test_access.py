"""A server that wants a token: the page asks, uses it, keeps it in memory only."""

from support.case import BrowserCase
from support.guard import Guard
from support.pictures import centre
from support.server import LiveServer, mask_of, queries

TOKEN = "a-token-of-the-test"


class AccessTests(BrowserCase):
    @classmethod
    def prepare(cls) -> None:
        # From here on the guard is the server that the browser sees.
        cls.open_server: LiveServer = cls.server
        cls.server = Guard(cls.open_server, TOKEN)
        cls.addClassCleanup(cls.server.stop)

    def enter(self, token: str) -> None:
        field = self.see("dialog input[type=password]")
        field.send_keys(token)
        self.press("Use token", within="dialog")

    def test_asks_for_the_token_and_keeps_it_in_memory_only(self) -> None:
        self.expected_console = ["401"]
        self.driver.get(f"{self.server.address}/#/tasks")
        self.assertIn("An access token is needed", self.see("dialog .problem").text)
        self.screenshot("access-token")
        self.enter("a wrong one")
        self.see("dialog .problem")
        self.enter(TOKEN)
        self.see("h2", "Nothing is defined yet")
        refused = self.server.refused

        # Uploads carry it too.
        self.press("Segment without a task")
        self.open_image(queries()[0])
        self.click_image(*centre(mask_of(queries()[0])))
        self.assertEqual(self.server.refused, refused, "nobody asks twice")
        command = self.driver.execute_script("return document.querySelector('pre.mono').textContent")
        self.assertIn('-H "Authorization: Bearer $GMISEG_TOKEN"', command)
        self.assertNotIn(TOKEN, command)

        stored = self.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        self.assertNotIn(TOKEN, stored)
        self.driver.refresh()
        self.see("dialog input[type=password]")

    def test_goes_on_without_when_nobody_has_one(self) -> None:
        self.expected_console = ["401"]
        self.driver.get(f"{self.server.address}/#/tasks")
        self.see("dialog input[type=password]")
        self.press("Cancel", within="dialog")
        self.assertIn("An access token is needed", self.see("main .problem").text)
        self.driver.get(f"{self.server.address}/#/about")
        self.press("Cancel", within="dialog")
