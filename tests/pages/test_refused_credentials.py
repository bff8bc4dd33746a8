"""While the cloud refuses the portal's sign-in, pages say until when, and who can help."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from snapshots.models import CloudHealth
from tests import factories as scene


def refuse(*, seconds=600.0):
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    CloudHealth.objects.update(
        failing_since=now,
        retry_at=until,
        fails=2,
        trouble_code="sign_in_refused",
        refused_credentials="d" * 64,
    )
    return f"{until:%d %b %Y, %H:%M:%S} UTC"


def page_of(browser, operation, name="detail"):
    return browser.get(reverse(f"snapshots:{name}", args=[operation.pk])).text


def test_banner_says_until_when_and_who_can_help(alice):
    until = refuse()
    page = alice.get("/").text
    assert "has refused the portal&#x27;s sign-in since" in page.replace("'", "&#x27;")
    assert until in page
    assert "administrators" in page
    assert "Requests are kept" in page


@pytest.mark.parametrize("name", ["detail", "status"])
def test_waiting_request_says_that_nothing_was_sent(alice, volume, name):
    made = scene.operation(alice.user, volume, state="queued", outcome_code="unreachable")
    until = refuse()
    page = page_of(alice, made, name)
    words = page[page.index('class="status__words"') :]
    assert "Nothing was sent for this request" in words
    assert until in words
    assert "You need not ask again" in words
    assert "cannot be reached" not in page


@pytest.mark.parametrize("state", ["sending", "accepted", "unknown", "succeeded"])
def test_request_that_was_sent_keeps_its_own_words(alice, volume, state):
    made = scene.operation(alice.user, volume, state=state)
    refuse()
    assert "Nothing was sent for this request" not in page_of(alice, made)


def test_time_that_has_passed_is_not_promised(alice, volume):
    made = scene.operation(alice.user, volume, state="queued")
    until = refuse(seconds=-1)
    page = page_of(alice, made)
    assert until not in page
    assert page.count("signs in again now") == 2  # in the banner, and in the request's own words


def test_cloud_that_cannot_be_reached_has_other_words(alice, volume):
    made = scene.operation(alice.user, volume, state="queued")
    refuse()
    CloudHealth.objects.update(refused_credentials="", trouble_code="unreachable")
    page = page_of(alice, made)
    assert "it cannot be reached" in page
    assert "refused the portal" not in page
