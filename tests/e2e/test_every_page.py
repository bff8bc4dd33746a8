"""Every page: accessible, no wider than the screen, nothing refused by the browser."""

import uuid
from datetime import timedelta
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from snapshots.models import CloudHealth, Maker
from snapshots.questions.rules import Question
from tests import factories as scene

pytestmark = pytest.mark.browser


ARABIC = "كِتَابٌ " * 17  # with its marks, 255 bytes
LANGUAGES = ("en-GB", "tr", "zh-Hans", "ar")  # as a browser asks for them
CHANGES = ("rename", "metadata", "delete", "rollback", "restore")


@pytest.fixture
def lived_in(portal):
    """A portal with a bit of everything; the paths of its pages, by who opens them."""

    def fill(people):
        alice, helen = people["alice"], people["helen"]
        made = scene.volume(granted_to=alice)
        busy = scene.volume("db-data", granted_to=alice, status="in-use", **_attached("x" * 255))
        scene.volume("mail", granted_to=alice, status="error_extending")
        scene.volume(ARABIC, granted_to=alice, attached_to=", ".join([str(uuid.uuid4())] * 12))
        scene.volume("named", granted_to=alice, **_attached(ARABIC))
        waiting = scene.operation(alice, made, ago_seconds=5)
        old = [
            scene.operation(alice, busy, state=state, ago_seconds=900, outcome_code="busy")
            for state in ("succeeded", "failed", "refused", "cancelled", "unknown")
        ]
        made_here = scene.snapshot(old[0], name="ş" * 120, description="d" * 255)
        elsewhere = _snapshots_of_others(made)
        asked = scene.operation(helen, made, on_behalf_of="Deniz", ticket="CHG-1", name="x" * 255)
        records = [
            scene.exchange(old[0], status=status) for status in (202, 400, 413, 429, 500, None, -1)
        ]
        anomaly = scene.anomaly(old[4], names=ARABIC)
        return {
            "alice": [
                "/",
                "/status/",
                "/preferences/",
                "/requests/",
                "/requests/?q=nothing-like-this",
                "/snapshots/",
                "/snapshots/?presence=all&sort=name&columns=name&columns=id&columns=description",
                "/snapshots/?q=nothing-like-this",
                *(f"/snapshots/sandbox/{row.snapshot_id}/" for row in (made_here, *elsewhere)),
                f"/snapshots/sandbox/{made_here.snapshot_id}/rename/",
                "/volumes/",
                *(f"/volumes/sandbox/{row.volume_id}/" for row in (made, busy)),
                f"/snapshots/new/?volume={busy.volume_id}",
                *(f"/requests/{one.pk}/" for one in (waiting, old[0], old[2], old[4])),
                "/accounts/password/",
                "/nowhere/",
            ],
            "helen": [
                "/",
                "/status/",
                "/requests/",
                "/volumes/",
                "/snapshots/",
                "/snapshots/new/",
                f"/requests/{asked.pk}/",
                *(f"/snapshots/sandbox/{elsewhere[0].snapshot_id}/{kind}/" for kind in CHANGES),
                *_batches(helen, made, [made_here, *elsewhere]),
            ],
            "audrey": [
                "/audit/",
                "/audit/?background=on&q=nothing-like-this",
                *(f"/audit/{one.id}/" for one in (*records, anomaly)),
                "/audit/questions/",
                *(f"/audit/questions/{question}/" for question in Question),
            ],
            "root": ["/", "/status/"],
            "nobody": ["/"],
        }

    return fill


def _attached(name):
    """What a volume at a server of this name has."""
    server = str(uuid.uuid4())
    facts = {"server_ids": [server], "server_names": {server: name}}
    return facts | {"attached_to": f"{server} (/dev/vdb)"}


def _batches(helen, volume, snapshots):
    """The paths of the pages that confirm a batch, and of the page of a batch with requests."""
    chosen = "&".join(f"snapshot=sandbox/{row.snapshot_id}" for row in snapshots)
    batch = uuid.uuid4()
    for state, row in zip(("queued", "succeeded", "refused"), snapshots, strict=False):
        content = {"batch": batch, "kind": "delete", "target_snapshot": row, "state": state}
        scene.operation(helen, volume, name=None, target_name=row.name, **content)
    confirming = [f"/snapshots/batch/?kind={kind}&{chosen}" for kind in ("delete", "metadata")]
    return [*confirming, f"/batches/{batch}/"]


def _snapshots_of_others(volume):
    """One of each kind that looks different."""
    now = timezone.now()
    kinds = [
        {"name": "before-patch-day", "created_at": now - timedelta(days=12)},
        {"name": "", "status": "error_deleting", "created_at": None, "size_gb": None},
        {"name": "autobk_snapshot_1", "maker": Maker.SYSTEM},
        {"name": "x" * 255, "missing_since": now, "metadata": {"k" * 255: "v" * 255}},
        {"name": ARABIC, "metadata": {f"key-{number}": ARABIC for number in range(40)}},
        {"name": "deleted", "gone_at": now, "seen_at": now - timedelta(minutes=9)},
    ]
    CloudHealth.objects.update(snapshots_at=now, snapshots_held_back=1204)
    return [scene.foreign_snapshot(volume, **columns) for columns in kinds]


# Each language, width and scheme of colours in one of these; all of them together before a release.
_USUAL_LOOKS = (
    (1280, "light", "en-GB"),
    (320, "light", "ar"),
    (1280, "dark", "zh-Hans"),
    (320, "dark", "tr"),
)
_WIDTHS_BETWEEN = (480, 601, 768, 901, 1024, 1130)
_LOOKS = product((1280, 320), ("light", "dark", "forced"), LANGUAGES)


def _look(look):
    marks = [] if look in _USUAL_LOOKS else [pytest.mark.whole]
    return pytest.param(*look, marks=marks, id="-".join(map(str, look)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("width", "colours", "language"), [_look(each) for each in _LOOKS])
def test_every_page_is_accessible_and_fits(
    width, colours, language, open_context, sign_in, lived_in, watch
):
    watch.expected.append("404")
    look = {"width": width, "language": language}
    look |= {"dark": colours == "dark", "forced": colours == "forced"}
    contexts = {name: open_context(**look) for name in scene.PEOPLE}
    people = {name: sign_in(context, name) for name, context in contexts.items()}
    wrongs = []
    for name, paths in lived_in(people).items():
        page = contexts[name].new_page()
        for path in paths:
            page.goto(path)
            wrongs += [f"{name} {path}: {wrong}" for wrong in wrongs_of(page, colours)]
    assert page.locator("html").get_attribute("lang") == language.lower()
    page = contexts["alice"].new_page()
    page.goto("/snapshots/new/")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    wrongs += [f"with its list open: {wrong}" for wrong in wrongs_of(page, colours)]
    page.fill("#id_name", "autobk_snapshot")
    page.click("summary")
    page.fill("#id_metadata-0-value", "no key")
    page.click(".form__end button")
    expect(page.locator(".problems")).to_be_visible()
    wrongs += [f"with problems: {wrong}" for wrong in wrongs_of(page, colours)]
    page = open_context(**look).new_page()
    page.goto("/accounts/login/")
    wrongs += [f"sign-in: {wrong}" for wrong in wrongs_of(page, colours)]
    assert wrongs == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_wrongs_of_first_and_later_pages_are_found(colours, open_context, sign_in):
    """The first page of a context gets axe in another way than the later ones."""
    context = open_context(dark=colours == "dark")
    sign_in(context, "alice")
    page = context.new_page()
    for _ in range(2):
        page.goto("/")
        assert wrongs_of(page, colours) == []
        page.evaluate("document.querySelector('h1').style.color = 'gray'")
        page.evaluate("document.querySelector('h1').style.background = 'silver'")
        assert [wrong.partition(":")[0] for wrong in wrongs_of(page, colours)] == ["color-contrast"]


def wrongs_of(page, colours):
    """What axe finds. In the dark the page is the same but for its colours; where the browser
    forces its own, axe would read those that the page names.
    """
    chosen = {
        "light": {},
        "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
        "forced": {"rules": {"color-contrast": {"enabled": False}}},
    }[colours]
    options = {"resultTypes": ["violations"], **chosen}
    found = [
        f"{one['id']}: {node['html'][:200]}"
        for one in _run_axe(page, options)["violations"]
        for node in one["nodes"]
    ]
    window = page.viewport_size
    # On the way from a phone's width to a desk's; the dark has the layout of the light.
    between = _WIDTHS_BETWEEN if window["width"] == 1280 and colours != "dark" else ()
    return [*found, *_too_wide(page, [*between, window["width"]])]


def _run_axe(page, options):
    """As its Python package does it, but that half a megabyte goes once to each browser context:
    the pages after the first one have it from the start.
    """
    axe = Axe()
    if page.evaluate("'startAxe' in window"):
        page.evaluate("startAxe()")
    else:
        page.evaluate(axe.axe_script)
        page.context.add_init_script(f"window.startAxe = () => {{ {axe.axe_script} }};")
    return page.evaluate("options => axe.run(options)", options)


def _too_wide(page, widths):
    """By how much the page is wider than windows of these widths. The last one stays."""
    window = page.viewport_size
    wrongs = []
    for width in widths:
        page.set_viewport_size({**window, "width": width})
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            wrongs.append(f"{wide} px too wide for {width}")
    return wrongs
