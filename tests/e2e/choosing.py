"""How tests choose a volume in the form."""

from playwright.sync_api import Page, expect

from snapshots.models import Volume


def has_picker(page: Page) -> bool:
    """Whether the volume is searched in a box, which is there as soon as a script has run."""
    if not page.evaluate("matchMedia('(scripting: enabled)').matches"):
        return False
    expect(page.locator("[role=combobox]")).to_be_visible()
    return True


def choose(page: Page, volume: Volume) -> None:
    """By its id, with a script or without."""
    if not has_picker(page):
        page.select_option("#id_volume_id", volume.volume_id)
        return
    page.fill("#id_find", volume.volume_id)
    expect(page.locator("#volume-facts")).to_have_attribute("data-volume", volume.volume_id)
    expect(page.locator("#id_name")).not_to_have_value("")  # it follows the volume a moment later
