"""Pages and fragments are compressed, and their length tells nothing of the form's token."""

import gzip

import pytest
from django.test import Client

from tests import factories as scene

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def alice(db):
    scene.healthy_portal()
    browser = Client()
    browser.force_login(scene.person("alice"))
    return browser


@pytest.mark.parametrize("path", ["/", "/requests/rows/", "/volumes/", "/snapshots/new/"])
def test_page_is_compressed_for_who_takes_it(alice, path):
    packed = alice.get(path, headers=GZIP, follow=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    plain = alice.get(path, follow=True)
    assert "Content-Encoding" not in plain.headers
    assert len(packed.content) < len(gzip.decompress(packed.content))


def test_same_page_has_another_length_each_time(alice):
    lengths = {len(alice.get("/", headers=GZIP).content) for _ in range(12)}
    assert len(lengths) > 3
