"""Pictures of every page: `python -m tests.e2e.screenshots FOLDER ADDRESS`.

The portal at ADDRESS must run in sandbox mode and hold the demo accounts. Each page is taken at
1280 and 320 pixels, light and dark. With `--docs` at the end only the pictures that the
documentation shows are taken, as a window of 1280 x 800 shows them.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browser import CHROMIUM, QUIET

WIDTHS = (1280, 320)
OF_DOCS = {  # name: who sees the page, and its address
    "home": ("alice", "/"),
    "volumes": ("alice", "/volumes/"),
    "board": ("helen", "/"),
    "audit": ("audrey", "/audit/"),
    "people": ("root", "/people/"),
}


def take(folder: Path, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                _take_all(browser, folder, address, width, scheme)
        browser.close()


def take_for_docs(folder: Path, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for name, (who, path) in OF_DOCS.items():
            page = _signed_in(browser, address, who)
            page.goto(path)
            _settle(page).screenshot(path=folder / f"{name}.png")
        page = _signed_in(browser, address, "alice")
        page.goto("/requests/")
        page.locator(".row__link").first.click()
        _settle(page).screenshot(path=folder / "detail.png")
        page.goto("/snapshots/new/")
        page.fill("#id_find", "in-use")
        page.get_by_role("option").first.click()
        page.wait_for_selector("#id_force")
        _settle(page).screenshot(path=folder / "new.png")
        browser.close()


def _settle(page: Page) -> Page:
    page.wait_for_load_state("networkidle")
    return page


def _signed_in(
    browser: Browser, address: str, name: str, *, width: int = 1280, scheme: str = "light"
) -> Page:
    page = _page(browser, address, width=width, scheme=scheme)
    page.goto("/accounts/login/")
    page.fill("#id_username", name)
    page.fill("#id_password", "demo")
    page.press("#id_password", "Enter")
    page.wait_for_url(f"{address}/")
    return page


def _page(browser: Browser, address: str, *, width: int, scheme: str) -> Page:
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    return context.new_page()


def _take_all(browser: Browser, folder: Path, address: str, width: int, scheme: str) -> None:
    def picture(page: Page, name: str) -> None:
        _settle(page).screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)

    def page_of(name: str) -> Page:
        return _signed_in(browser, address, name, width=width, scheme=scheme)

    page = _page(browser, address, width=width, scheme=scheme)
    page.goto("/accounts/login/")
    picture(page, "login")
    page.goto("/no-such-page/")
    picture(page, "404")
    _staff(page_of("alice"), picture)
    _others(page_of("helen"), page_of("audrey"), page_of("root"), picture)


def _staff(page: Page, picture) -> None:
    page.goto("/")
    picture(page, "home")
    for name in ("status", "preferences"):
        page.goto(f"/{name}/")
        picture(page, name)
    page.goto("/requests/")
    picture(page, "requests")
    links = page.locator(".row__link").evaluate_all("all => all.map(one => one.href)")
    for number, link in enumerate(links[:9]):
        page.goto(link)
        picture(page, f"detail-{number}")
    for name in ("snapshots", "volumes"):
        page.goto(f"/{name}/")
        picture(page, name)
        page.locator(f"a[href^='/{name}/']:not([href$='/{name}/']):not(.button)").first.click()
        picture(page, name.removesuffix("s"))
    page.goto("/snapshots/new/")
    picture(page, "new")
    page.fill("#id_find", "in-use")
    page.get_by_role("listbox").get_by_role("option").first.click()
    page.wait_for_selector("#id_force")
    page.click("summary")
    page.fill("#id_name", "Autobk_Snapshot_x")
    page.fill("#id_description", "ş" * 128)
    page.fill("#id_metadata-0-value", "no key")
    picture(page, "new-volume")
    page.click(".form__end .button--main")
    picture(page, "new-problems")


def _changes(helen: Page, picture) -> None:
    helen.goto("/snapshots/")
    boxes = helen.locator("input[name=snapshot]")
    for number in range(min(3, boxes.count())):
        boxes.nth(number).check()
    ready = helen.locator("tr:has-text('Available') a[href^='/snapshots/sandbox/']").first
    address = ready.get_attribute("href")
    for kind in ("delete", "metadata"):
        helen.click(f"#batch button[value={kind}]")
        picture(helen, f"batch-{kind}")
        helen.go_back()
    for kind in ("rename", "metadata", "delete", "rollback", "restore"):
        helen.goto(f"{address}{kind}/")
        picture(helen, f"change-{kind}")


def _others(helen: Page, audrey: Page, root: Page, picture) -> None:
    helen.goto("/")
    picture(helen, "home-helpdesk")
    helen.goto("/snapshots/new/")
    picture(helen, "new-helpdesk")
    _changes(helen, picture)
    audrey.goto("/audit/")
    picture(audrey, "audit")
    links = audrey.locator(".row__link").evaluate_all("all => all.map(one => one.href)")
    for number, link in enumerate(links[:2]):
        audrey.goto(link)
        picture(audrey, f"exchange-{number}")
    root.goto("/people/new/")
    picture(root, "new-person")
    root.goto("/accounts/password/")
    picture(root, "password")


if __name__ == "__main__":
    make = take_for_docs if "--docs" in sys.argv else take
    make(Path(sys.argv[1]), sys.argv[2])
