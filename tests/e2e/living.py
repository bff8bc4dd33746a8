"""The life of a snapshot as a person walks it in a browser, on whatever cloud."""

import re

from playwright.sync_api import Locator, Page, expect

LONGEST = 60_000  # milliseconds until the cloud has done what was asked


class Life:
    """One snapshot, from taking it to deleting it. Each step ends when its request has ended well.

    Without a script a person presses reload.
    """

    def __init__(self, page: Page, volume_address: str, *, has_script: bool) -> None:
        self.page, self.volume_address = page, volume_address
        self._has_script = has_script
        self.address = ""  # of the snapshot's page

    def take(self, name: str, **for_whom: str) -> None:
        self.page.goto(f"/snapshots/new/?volume={self.volume_address.split('/')[-2]}")
        self.page.get_by_label("Name", exact=True).fill(name)
        self._send("Take the snapshot", "Available", for_whom)
        snapshot = self.page.locator("main a[href^='/snapshots/'][href$='/rename/']").first
        self.address = str(snapshot.get_attribute("href")).removesuffix("rename/")

    def rename(self, name: str, **for_whom: str) -> None:
        self._open("rename")
        self.page.get_by_label("Name", exact=True).fill(name)
        self._send("Rename the snapshot", "Renamed", for_whom)
        self.expect_page(name)

    def set_metadata(self, key: str, value: str, **for_whom: str) -> None:
        self._open("metadata")
        self.page.get_by_role("textbox", name="Key").last.fill(key)
        self.page.get_by_role("textbox", name="Value").last.fill(value)
        self._send("Change the metadata", "Changed", for_whom)
        self.expect_page(value)

    def roll_back(self, volume_name: str, **for_whom: str) -> None:
        self._open("rollback")
        self.page.get_by_label("Type the name of the volume").fill(volume_name)
        self._send("Roll the volume back", "Rolled back", for_whom)

    def restore(self, volume_name: str, **for_whom: str) -> None:
        self._open("restore")
        self.page.get_by_label("Name of the new volume").fill(volume_name)
        self._send("Restore into a new volume", "Restored", for_whom)

    def delete(
        self, name: str, outcome: str | re.Pattern[str] = "Deleted", **for_whom: str
    ) -> None:
        self._open("delete")
        self.page.get_by_label("Type its name").fill(name)
        self._send("Delete the snapshot", outcome, for_whom)

    def expect_page(self, text: str) -> None:
        """The snapshot's own page says so."""
        self.page.goto(self.address)
        self._wait_for(self.page.locator("main"), text)

    def _open(self, kind: str) -> None:
        self.page.goto(f"{self.address}{kind}/")

    def _send(self, button: str, outcome: str | re.Pattern[str], for_whom: dict[str, str]) -> None:
        for name, text in for_whom.items():
            self.page.fill(f"#id_{name}", text)
        self.page.get_by_role("button", name=button).last.click()
        self._wait_for(self.page.locator("#status-title"), outcome)

    def _wait_for(self, place: Locator, text: str | re.Pattern[str]) -> None:
        try:
            expect(place).to_be_visible(timeout=LONGEST)
            if self._has_script:
                expect(place).to_contain_text(text, timeout=LONGEST)
            else:
                self._reload_until(place, text)
        except AssertionError as error:
            raise AssertionError(f"Never {text}: {self.page.inner_text('body')}") from error

    def _reload_until(self, place: Locator, text: str | re.Pattern[str]) -> None:
        pattern = re.escape(text) if isinstance(text, str) else text
        for _ in range(LONGEST // 500):
            if re.search(pattern, place.inner_text()):
                return
            self.page.wait_for_timeout(500)
            self.page.reload()
        raise AssertionError(place.inner_text())


def volume_address(page: Page, name: str) -> str:
    """Of the volume's page: `/volumes/<cloud>/<id>/`. It is waited for, right after a start."""
    for _ in range(60):
        page.goto("/volumes/")
        links = page.locator("main a[href^='/volumes/']").get_by_text(name, exact=True)
        if links.count():
            return str(links.first.evaluate("one => one.closest('a').getAttribute('href')"))
        page.wait_for_timeout(500)
    raise AssertionError(f"No volume {name}.")
