"""Files that are taken slowly leave threads for pages, and give their turn back at any end."""

import gc

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections

from snapshots.models import Action
from snapshots.views import downloads
from snapshots.views.downloads import MOST_AT_ONCE
from tests import factories as scene

BY = {
    "/snapshots/export/": "alice",
    "/audit/export/": "audrey",
    "/audit/questions/refused/export/": "audrey",
    "/people/export/": "root",
    "/grants/export/": "root",
}


def _leave(answer):
    """As the web server does when a browser goes away; the test keeps its connection."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def _exports():
    return Action.objects.filter(code__contains="export").count()


@pytest.fixture(autouse=True)
def bounded(monkeypatch):
    monkeypatch.setattr(downloads, "MOST_AT_ONCE", MOST_AT_ONCE)
    downloads._under_way.clear()


@pytest.fixture
def begun(alice, audrey, root):
    """Browsers that began to take a file each, by role; they end with the test."""
    scene.healthy_portal()
    browsers = {"alice": alice, "audrey": audrey, "root": root}
    answers = [root.get("/people/export/") for _ in range(MOST_AT_ONCE)]
    yield browsers, answers
    for answer in answers:
        _leave(answer)


@pytest.mark.parametrize(("address", "name"), BY.items())
def test_one_file_too_many_is_refused_in_words(begun, address, name):
    browsers, _answers = begun
    before = _exports()
    answer = browsers[name].get(address)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "20")
    assert "The portal is making as many files as it can" in answer.text
    assert _exports() == before


def test_file_is_made_again_when_another_ended(begun):
    browsers, answers = begun
    assert browsers["root"].get("/people/").status_code == 200
    b"".join(answers[0].streaming_content)
    whole = browsers["root"].get("/grants/export/")
    assert whole.status_code == 200
    assert b"person" in b"".join(whole.streaming_content)
    _leave(answers[1])
    for _ in range(3 * MOST_AT_ONCE):
        _leave(browsers["root"].head("/people/export/"))
    again = browsers["root"].get("/people/export/")
    assert again.status_code == 200
    _leave(again)


def test_answer_that_is_lost_gives_its_turn_back(root):
    """As by an error of middleware, after the view."""
    for _ in range(3 * MOST_AT_ONCE):
        assert root.get("/people/export/").status_code == 200
        gc.collect()


def test_refused_file_takes_no_turn(alice, audrey, root):
    for _ in range(2 * MOST_AT_ONCE):
        assert alice.get("/snapshots/export/?format=exe").status_code == 404
        assert audrey.get("/audit/questions/refused/export/?format=exe").status_code == 404
        assert alice.get("/people/export/").status_code == 404
    answer = root.get("/people/export/")
    assert answer.status_code == 200
    _leave(answer)
