"""Somebody who does a task in the browser, and counts what it costs them."""

from dataclasses import dataclass

from playwright.sync_api import Frame, Locator, Page


@dataclass
class Walker:
    """Clicks, key presses and page loads so far. Typing a word is a key press per letter."""

    page: Page
    clicks: int = 0
    keys: int = 0
    loads: int = 0

    def __post_init__(self) -> None:
        self.page.on("framenavigated", self._note_load)

    def _note_load(self, frame: Frame) -> None:
        self.loads += frame == self.page.main_frame

    def start(self) -> None:
        """Count from here."""
        self.clicks = self.keys = self.loads = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1

    def type(self, target: Locator, text: str) -> None:
        """Into a field that has the focus or gets it by a click."""
        if not target.evaluate("field => field === document.activeElement"):
            self.click(target)
        target.page.keyboard.type(text)
        self.keys += len(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    @property
    def cost(self) -> tuple[int, int, int]:
        return self.clicks, self.keys, self.loads
