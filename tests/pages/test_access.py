"""Every route has a rule, and keeps it."""

import re
import uuid
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from snapshots.models import VolumeGrant
from tests import factories as scene


def _routes(resolver, prefix=""):
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _routes(one, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern), one


def _rule_of(route: URLPattern) -> str | None:
    return getattr(route.callback, "access_rule", None)


def test_every_route_has_an_access_rule():
    without = [path for path, route in _routes(get_resolver()) if _rule_of(route) is None]
    assert without == []


def test_only_these_routes_are_public():
    public = {path for path, route in _routes(get_resolver()) if _rule_of(route) == "public"}
    assert public == {
        "accounts/login/",
        "accounts/logout/",
        "accounts/passkey/",
        "accounts/passkey/challenge/",
        "accounts/provider/",
        "accounts/provider/callback/",
        "accounts/provider/signed-out/",
        "accounts/reset/",
        "accounts/reset/<uidb64>/<token>/",
        "accounts/reset/complete/",
        "accounts/reset/sent/",
        "accounts/second-factor/",
        "healthz",
        "readyz",
    }


@pytest.fixture
def addresses(operation):
    """Every page of the portal with what it needs, by the rule it has."""
    record = scene.exchange(operation)
    one = [operation.pk]
    made = scene.snapshot(operation, status="creating")
    of_batch = [uuid.uuid4()]
    scene.operation(operation.requester, scene.volume("db"), kind="delete", batch=of_batch[0])
    of_volume = [operation.cloud, operation.volume_id]
    role = {
        reverse("snapshots:rows"): "get",
        reverse("snapshots:detail", args=one): "get",
        reverse("snapshots:status", args=one): "get",
        reverse("snapshots:requests"): "get",
        reverse("snapshots:batch", args=of_batch): "get",
        reverse("snapshots:batch_rows", args=of_batch): "get",
        reverse("snapshots:snapshots"): "get",
        reverse("snapshots:snapshot_totals"): "get",
        reverse("snapshots:snapshot_export"): "get",
        reverse("snapshots:snapshot_rows"): "get",
        reverse("snapshots:snapshot", args=[made.cloud, made.snapshot_id]): "get",
        reverse("snapshots:snapshot_state", args=[made.cloud, made.snapshot_id]): "get",
        reverse("snapshots:volumes"): "get",
        reverse("snapshots:volume", args=of_volume): "get",
        reverse("snapshots:volume_state", args=of_volume): "get",
        reverse("snapshots:first_reading"): "get",
    }
    requesters = {
        reverse("snapshots:new"): "get",
        reverse("snapshots:volume_facts"): "get",
        reverse("snapshots:volume_offers"): "get",
        reverse("snapshots:check"): "post",
        reverse("snapshots:again", args=one): "post",
    }
    auditors = {
        reverse("snapshots:audit"): "get",
        reverse("snapshots:record", args=[record.id]): "get",
        reverse("snapshots:questions"): "get",
        reverse("snapshots:question", args=["refused"]): "get",
        reverse("snapshots:question_export", args=["refused"]): "get",
    }
    administrators = {
        reverse("snapshots:groups"): "get",
        reverse("snapshots:group_new"): "get",
        reverse("snapshots:person_new"): "get",
        **{
            reverse(f"snapshots:person_{page}", args=[operation.requester_id]): "get"
            for page in ("change", "access", "password")
        },
        reverse("snapshots:people"): "get",
        reverse("snapshots:person", args=[operation.requester_id]): "get",
        reverse("snapshots:grants"): "get",
        reverse("snapshots:grant_new"): "get",
        reverse("snapshots:people_export"): "get",
        reverse("snapshots:people_import"): "get",
        reverse("snapshots:grant_export"): "get",
        reverse("snapshots:grant_import"): "get",
        reverse("snapshots:grant_search"): "post",
        reverse("snapshots:grant_by_rule"): "get",
        reverse("snapshots:grant_of_cloud"): "get",
        reverse("snapshots:grant_end", args=[VolumeGrant.objects.get().pk]): "get",
    }
    return role, requesters, auditors, administrators


def _answers(browser, addresses):
    return {getattr(browser, method)(path).status_code for path, method in addresses.items()}


def test_sign_in_page_is_shown_to_anonymous_people(client, addresses):
    for group in addresses:
        for path, method in group.items():
            answer = getattr(client, method)(path)
            assert answer.status_code == 302, path
            assert answer.url.startswith("/accounts/login/?next="), path


def test_without_a_role_nothing_is_found(nobody, addresses):
    for group in addresses:
        assert _answers(nobody, group) == {404}


def test_first_page_without_a_role_explains_roles(nobody):
    assert "You have no role in this portal yet" in nobody.get("/").text


def test_strangers_get_404_for_alices_snapshot(bob, operation):
    for name in ("detail", "status"):
        assert bob.get(reverse(f"snapshots:{name}", args=[operation.pk])).status_code == 404
    for name in ("cancel", "again"):
        assert bob.post(reverse(f"snapshots:{name}", args=[operation.pk])).status_code == 404


def test_staff_find_neither_audit_nor_administration(alice, addresses):
    _role, _requesters, auditors, administrators = addresses
    assert _answers(alice, auditors) == {404}
    assert _answers(alice, administrators) == {404}


def test_auditors_read_everything_and_ask_for_nothing(audrey, addresses):
    role, requesters, auditors, administrators = addresses
    assert _answers(audrey, role | auditors) == {200}
    assert _answers(audrey, requesters) == {404}
    assert _answers(audrey, administrators) == {404}


def test_administrators_see_lists_and_no_audit(root, addresses):
    role, requesters, auditors, administrators = addresses
    assert _answers(root, role | administrators) == {200}
    assert _answers(root, requesters) == {404}
    assert _answers(root, auditors) == {404}


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 302), ("helen", 302), ("root", 302), ("audrey", 404)]
)
def test_who_may_cancel(request, operation, name, status):
    person = request.getfixturevalue(name)
    assert person.post(reverse("snapshots:cancel", args=[operation.pk])).status_code == status


def test_an_unknown_operation_is_not_found(alice):
    assert alice.get(reverse("snapshots:detail", args=[uuid.uuid4()])).status_code == 404


def test_somebody_deactivated_is_signed_out(alice, volume):
    alice.user.is_active = False
    alice.user.save()
    assert alice.get("/volumes/").status_code == 302


def test_sign_in_leads_to_the_page_that_was_wanted(client):
    person = scene.person("alice")
    person.set_password("demo")
    person.save()
    answer = client.post(
        "/accounts/login/?next=/volumes/",
        {"username": "alice", "password": "demo", "next": "/volumes/"},
    )
    assert answer.url == "/volumes/"


def test_sign_in_does_not_lead_elsewhere(client):
    person = scene.person("alice")
    person.set_password("demo")
    person.save()
    answer = client.post(
        "/accounts/login/",
        {"username": "alice", "password": "demo", "next": "https://example.org/"},
    )
    assert answer.url == "/"


def test_signing_out_needs_a_click(alice):
    assert alice.get("/accounts/logout/").status_code == 405
    alice.post("/accounts/logout/")
    assert alice.get("/").status_code == 302


def test_demo_accounts_are_shown_in_the_sandbox_only(client, settings):
    assert "Demo accounts" in client.get("/accounts/login/").text
    settings.EVSPORTAL_MODE = "cloud"
    assert "Demo accounts" not in client.get("/accounts/login/").text


def test_a_form_sent_after_the_session_ended_says_so(client, volume):
    answer = client.post("/snapshots/new/", scene.fill_form(volume), follow=True)
    assert "nothing was asked" in answer.text
    assert "Sign in" in answer.text


BROKEN = "http://["


def test_broken_headers_are_no_fault_of_ours(client, volume):
    htmx = {"HX-Request": "true", "HX-Current-URL": BROKEN}
    assert client.get("/requests/rows/", headers=htmx).status_code == 401
    answer = client.post("/snapshots/new/", {}, headers={"Referer": BROKEN})
    assert answer.url == "/accounts/login/?next=/"


def test_readme_names_pages_that_exist():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    named = re.findall(r"`(/[a-z/-]+/)`", text)
    assert len(named) >= 3
    for address in named:
        resolve(address)  # raises, where there is none
