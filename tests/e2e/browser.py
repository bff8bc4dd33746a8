"""How Chromium is started, without asking the network for anything; and what tests do in it."""

import os

from playwright.sync_api import Page, expect

from snapshots.models import Volume

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [  # no updates, no telemetry, no first-run pages: nothing that asks the network
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-sandbox",
]


def choose(page: Page, volume: Volume) -> None:
    """Choose a volume in the form, by its id."""
    if page.locator("[role=combobox]").count():
        page.fill("#id_find", volume.volume_id)
    else:
        page.select_option("#id_volume_id", volume.volume_id)
        page.click("text=Show volume")
    expect(page.locator("#volume-facts")).to_have_attribute("data-volume", volume.volume_id)
