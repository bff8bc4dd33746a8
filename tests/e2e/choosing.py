"""How tests choose a volume in the form."""

from playwright.sync_api import Page, expect

from snapshots.models import Volume


def choose(page: Page, volume: Volume) -> None:
    """By its id, with a script or without."""
    if not page.locator("[role=combobox]").count():
        page.select_option("#id_volume_id", volume.volume_id)
        return
    page.fill("#id_find", volume.volume_id)
    expect(page.locator("#volume-facts")).to_have_attribute("data-volume", volume.volume_id)
    expect(page.locator("#id_name")).not_to_have_value("")  # it follows the volume a moment later
