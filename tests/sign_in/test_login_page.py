"""Where the sign-in page leads."""

from urllib.parse import quote

import pytest

from tests.sign_in.conftest import LOGIN, RIGHT

# By a path, by an address, and as browsers add to the address of the page that they are on.
ITSELF = [LOGIN, f"http://testserver{LOGIN}", f"{LOGIN}?next={LOGIN}", "#top", "?next=/", ".", ""]


@pytest.fixture(params=ITSELF)
def itself(request):
    return request.param


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_page_leads_nobody_to_itself(visitor, account, itself, method):
    visitor.sign_in("alice")
    answer = visitor.generic(method, f"{LOGIN}?next={quote(itself)}")
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/")


def test_sign_in_ends_at_another_page(visitor, account, itself):
    form = {"username": "alice", "password": RIGHT, "next": itself}
    assert visitor.post(LOGIN, form).url == "/"
    assert visitor.is_in


def test_other_pages_are_led_to(visitor, account):
    visitor.sign_in("alice")
    assert visitor.get(f"{LOGIN}?next=/volumes/%3Fq%3Da").url == "/volumes/?q=a"
