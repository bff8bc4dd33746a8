"""A new EVSPORTAL_SECRET_KEY signs nobody out, as long as the one before is a fallback."""

import pytest


@pytest.fixture
def rotated(settings):
    def rotate(*, with_fallback):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if with_fallback else []
        settings.SECRET_KEY = "the new key of the portal" * 3

    return rotate


def test_session_signed_with_a_fallback_goes_on(alice, rotated):
    assert alice.get("/").status_code == 200
    rotated(with_fallback=True)
    assert alice.get("/").status_code == 200


def test_session_signed_with_a_dropped_key_ends(alice, rotated):
    assert alice.get("/").status_code == 200
    rotated(with_fallback=False)
    assert alice.get("/").status_code == 302
