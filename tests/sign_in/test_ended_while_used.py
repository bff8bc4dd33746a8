"""A session that is ended while a request of it is under way: it stays ended."""

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session

from snapshots import middleware
from snapshots.forms import PasswordForm
from snapshots.models import OpenSession
from snapshots.sign_in.open_sessions import end_session
from snapshots.sign_in.sessions import SessionStore
from snapshots.views import step_up
from tests.sign_in.conftest import RIGHT


@pytest.fixture
def signed_in(visitor, account):
    visitor.sign_in("alice")
    return visitor


def by_another_browser():
    alice = User.objects.get(username="alice")
    assert end_session(alice, OpenSession.objects.get().pk)


def by_signing_out():
    Session.objects.all().delete()
    OpenSession.objects.all().delete()


def by_an_earlier_release():
    """It deletes Django's row alone."""
    Session.objects.all().delete()


def by_disabling():
    alice = User.objects.get(username="alice")
    for is_active in (False, True):
        alice.is_active = is_active
        alice.save()


@pytest.fixture(params=[by_another_browser, by_signing_out, by_an_earlier_release, by_disabling])
def end(request):
    return request.param


def assert_nobody_is_in(browser):
    assert not Session.objects.exists()
    assert browser.get("/").url == "/accounts/login/?next=/"


def test_page_brings_no_other_key(signed_in, account, monkeypatch, end):
    account.groups.add(Group.objects.get_or_create(name="helpdesk")[0])
    note_use = middleware.note_use

    def end_first(request):
        end()
        note_use(request)

    monkeypatch.setattr(middleware, "note_use", end_first)
    answer = signed_in.get("/")
    assert answer.status_code == 200  # as it is for whom no key is due
    assert "sessionid" not in answer.cookies
    monkeypatch.undo()
    assert_nobody_is_in(signed_in)


def test_confirming_brings_no_other_key(signed_in, monkeypatch, end):
    note_proof = step_up.note_proof

    def end_first(request):
        end()
        note_proof(request)

    monkeypatch.setattr(step_up, "note_proof", end_first)
    answer = signed_in.post("/accounts/confirm/", {"password": RIGHT, "next": "/"})
    assert answer.status_code == 400
    assert_nobody_is_in(signed_in)


def test_changed_password_brings_no_session_back(signed_in, monkeypatch, end):
    save = PasswordForm.save

    def end_first(form):
        end()
        return save(form)

    monkeypatch.setattr(PasswordForm, "save", end_first)
    new = "another-good-passphrase-7"
    fields = {"old_password": RIGHT, "new_password1": new, "new_password2": new}
    assert signed_in.post("/accounts/password/", fields).status_code == 400
    assert_nobody_is_in(signed_in)


def test_store_stays_as_it_was(signed_in, end):
    key = signed_in.session.session_key
    store = SessionStore(key)
    before = dict(store.items())
    end()
    with pytest.raises(SessionInterrupted):
        store.cycle_key()
    assert (store.session_key, dict(store.items())) == (key, before)
    assert not Session.objects.exists()


def test_open_session_gets_one_key(signed_in):
    store = SessionStore(signed_in.session.session_key)
    before = dict(store.items())
    store.cycle_key()
    store.save()
    assert dict(SessionStore(store.session_key).items()) == before
    assert OpenSession.objects.get().pk == Session.objects.get().pk


def test_refused_write_brings_no_other_key(signed_in, monkeypatch):
    """As when the database fails halfway: the session goes on under its key."""
    from django.db.utils import OperationalError

    def refuse(*_args, **_options):
        raise OperationalError("disk I/O error")

    store = SessionStore(signed_in.session.session_key)
    before = dict(store.items())
    monkeypatch.setattr(OpenSession, "save", refuse)
    with pytest.raises(OperationalError):
        store.cycle_key()
    store.save()
    assert store.session_key == signed_in.session.session_key
    assert dict(SessionStore(store.session_key).items()) == before
    assert signed_in.get("/").status_code == 200
