"""When a session ends, and what counts as its use."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from snapshots.mfa import factors
from snapshots.models import Duty, OpenSession
from tests import factories as scene

PAGE = "/"
HTMX = {"headers": {"HX-Request": "true"}}
ATTENDED = {"headers": {"HX-Request": "true", "X-Attended": "true"}}


@pytest.fixture
def signed_in(visitor, account):
    visitor.sign_in("alice")
    return visitor


@pytest.fixture
def poll(account):
    operation = scene.operation(account, scene.volume(granted_to=account), state="accepted")
    return f"/requests/{operation.pk}/status/?seen="


def after(minutes):
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def is_open(browser):
    return browser.get(PAGE).status_code == 200


def test_session_ends_after_an_hour_without_use(signed_in):
    with after(59):
        assert is_open(signed_in)
    with after(118):
        assert is_open(signed_in)
    with after(179):
        assert not is_open(signed_in)


def test_idle_limit_can_be_set(signed_in, settings):
    settings.EVSPORTAL_SESSION_IDLE_MINUTES = 5
    with after(6):
        assert not is_open(signed_in)


def test_idle_limit_can_be_left_out(signed_in, settings):
    settings.EVSPORTAL_SESSION_IDLE_MINUTES = 0
    with after(11 * 60):
        assert is_open(signed_in)
    with after(12 * 60 + 1):
        assert not is_open(signed_in)


@pytest.mark.parametrize("hours", [1, 12])
def test_use_does_not_lengthen_a_session(signed_in, settings, hours):
    settings.EVSPORTAL_SESSION_HOURS = hours
    for minutes in range(20, hours * 60, 20):
        with after(minutes):
            session = signed_in.session
            session["changed"] = minutes  # Django moves its own end on then
            session.save()
            assert is_open(signed_in)
    with after(hours * 60 + 1):
        assert not is_open(signed_in)


def test_polls_do_not_keep_a_session(signed_in, poll):
    for minutes in range(10, 60, 10):
        with after(minutes):
            assert signed_in.get(poll, **HTMX).status_code in {200, 204}
    with after(61):
        answer = signed_in.get(poll, **HTMX)
        assert answer.status_code == 401
        assert "Your session has ended" in answer.text


def test_polls_of_somebody_who_is_there_keep_it(signed_in, poll):
    with after(50):
        signed_in.get(poll, **ATTENDED)
    with after(100):
        assert is_open(signed_in)


def test_what_pages_ask_by_themselves_is_marked():
    from django.urls import get_resolver

    views = get_resolver().url_patterns[0].url_patterns
    marked = {view.name for view in views if getattr(view.callback, "is_polled", False)}
    of_lists = {"rows", "batch_rows", "snapshot_rows", "first_reading", "home_rows"}
    others = {"status", "snapshot_state", "volume_state", "portal_status_rows", "browser_zone"}
    assert marked == of_lists | others


def test_use_is_written_once_a_minute(signed_in):
    before = OpenSession.objects.get().used_at
    with after(0.5):
        signed_in.get(PAGE)
        assert OpenSession.objects.get().used_at == before
    with after(2):
        signed_in.get(PAGE)
        assert OpenSession.objects.get().used_at == timezone.now()
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(PAGE)
    assert [query["sql"] for query in queries if query["sql"].startswith("UPDATE")] == []


def test_session_is_read_in_one_query(signed_in):
    with CaptureQueriesContext(connection) as queries:
        signed_in.get(PAGE)
    assert sum("snapshots_opensession" in query["sql"] for query in queries) == 1
    assert sum("django_session" in query["sql"] for query in queries) == 1


def test_last_use_comes_with_its_address(signed_in):
    with after(5):
        signed_in.get(PAGE, REMOTE_ADDR="203.0.113.9")
        row = OpenSession.objects.get()
        assert (row.address, row.used_at) == ("203.0.113.9", timezone.now())


def test_session_of_an_earlier_release_goes_on(signed_in):
    OpenSession.objects.all().delete()
    assert is_open(signed_in)
    assert OpenSession.objects.get().person.username == "alice"
    with after(61):
        assert not is_open(signed_in)


def test_clock_that_was_set_back_ends_sessions(signed_in):
    with after(-60):
        assert not is_open(signed_in)


def test_use_ahead_of_the_clock_is_put_right(signed_in):
    OpenSession.objects.update(used_at=F("used_at") + timedelta(days=30))
    assert is_open(signed_in)
    with after(61):
        assert not is_open(signed_in)


def test_signing_in_again_changes_the_key(signed_in, account):
    """The same person, in the same browser, as after a page that asks for the password."""
    from django.contrib.auth import login

    key = signed_in.cookies["sessionid"].value
    request = signed_in.get(PAGE).wsgi_request
    login(request, account)
    request.session.save()
    assert request.session.session_key != key
    assert OpenSession.objects.count() == Session.objects.count() == 1


def test_page_is_shown_when_its_use_cannot_be_written(signed_in, monkeypatch):
    """As on a database that only reads."""
    from django.db.models import QuerySet
    from django.db.utils import OperationalError

    def refuse(*_args, **_columns):
        raise OperationalError("attempt to write a readonly database")

    with after(5):
        monkeypatch.setattr(QuerySet, "update", refuse)
        assert is_open(signed_in)


def test_worker_removes_what_has_ended(signed_in, visitor_at, account):
    from snapshots.duties.tidy import tidy
    from snapshots.jobs.duties import NO_CLOUD, TIDY, start_duty

    with after(50):
        other = visitor_at("203.0.113.5")
        other.sign_in("alice")
    with after(61):
        start_duty(TIDY, NO_CLOUD, due_at=timezone.now())
        tidy(Duty.objects.get(kind=TIDY))
        assert OpenSession.objects.get().address == "203.0.113.5"
        assert Session.objects.count() == 1
        assert is_open(other)


def test_worker_removes_halves(signed_in):
    """Code of an earlier release deletes Django's row alone; visitors leave one without ours."""
    from snapshots.sign_in.open_sessions import remove_ended_sessions

    Session.objects.all().delete()
    Session.objects.create(session_key="a" * 40, session_data="", expire_date=timezone.now())
    remove_ended_sessions()
    assert not OpenSession.objects.exists()
    assert not Session.objects.exists()


@pytest.fixture
def key(signed_in):
    return lambda: signed_in.cookies["sessionid"].value


def _give_role(account):
    account.groups.add(Group.objects.get_or_create(name="helpdesk")[0])


def _take_all_roles(account):
    account.groups.clear()


def _fill_group(account):
    Group.objects.get_or_create(name="helpdesk")[0].user_set.add(account)


def _make_superuser(account):
    account.is_superuser = True
    account.save()


def _set_factor_up(account):
    factors.set_up(account, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 1)


@pytest.mark.parametrize(
    "change", [_give_role, _take_all_roles, _fill_group, _make_superuser, _set_factor_up]
)
def test_changed_rights_bring_another_key_once(signed_in, account, key, change):
    before = key()
    account = User.objects.get(pk=account.pk)
    change(account)
    assert is_open(signed_in)
    changed = key()
    assert changed != before
    assert is_open(signed_in)
    assert key() == changed
    row = OpenSession.objects.get()
    assert (row.device, row.address) == ("Unknown browser", "198.51.100.7")
    thief = Client()
    thief.cookies["sessionid"] = before
    assert not is_open(thief)


def test_poll_changes_no_key(signed_in, account, key, poll):
    before = key()
    _give_role(account)
    signed_in.get(poll, **ATTENDED)
    assert key() == before


def test_telling_the_zone_changes_no_key(signed_in, account, key):
    """The script asks while the person may have clicked already."""
    before = key()
    _give_role(account)
    assert signed_in.post("/preferences/zone/", {"zone": "Asia/Tokyo"}).status_code == 204
    assert key() == before


def test_rights_of_others_change_no_key(signed_in, key):
    before = key()
    _give_role(scene.person("bob"))
    assert is_open(signed_in)
    assert key() == before
