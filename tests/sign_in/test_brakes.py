"""Wrong sign-ins are slowed down, and nobody is locked out by others."""

import threading
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone

from snapshots.jobs.duties import NO_CLOUD, TIDY, start_duty
from snapshots.models import Action, ActionCode, Duty, SignInBrake
from snapshots.sign_in.brakes import ACCOUNT, ADDRESS, LONGEST_PAUSE, account_key
from snapshots.worker import Loop
from tests import factories as scene
from tests.sign_in.conftest import RIGHT

WRONG = "not-the-password"


def fail(visitor, name, times):
    return [visitor.sign_in(name, WRONG).status_code for _ in range(times)]


def test_wrong_sign_ins_have_to_wait(visitor, account):
    assert fail(visitor, "alice", ACCOUNT.free) == [200] * ACCOUNT.free
    answer = visitor.sign_in("alice", WRONG)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 15
    assert "Please wait a moment" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_right_password_waits_too(visitor, account):
    fail(visitor, "alice", ACCOUNT.free)
    assert visitor.sign_in("alice").status_code == 429
    assert not visitor.is_in


def test_pause_ends_and_right_password_clears_it(visitor, account):
    fail(visitor, "alice", ACCOUNT.free)
    with time_machine.travel(timezone.now() + timedelta(seconds=16)):
        assert visitor.sign_in("alice").status_code == 302
    assert SignInBrake.objects.get(key__startswith="account:").failures == 0


def test_pauses_grow_to_a_quarter_of_an_hour(visitor, account):
    pauses, now = [], timezone.now()
    for _ in range(14):
        with time_machine.travel(now, tick=False):
            visitor.sign_in("alice", WRONG)
            refused = visitor.sign_in("alice", WRONG)
        pause = int(refused.headers.get("Retry-After", 0))
        pauses.append(pause)
        now += timedelta(seconds=pause)
    pauses = [pause for pause in pauses if pause]
    assert pauses == sorted(pauses)
    assert pauses[:3] == [15, 30, 60]
    assert pauses[-1] == LONGEST_PAUSE.total_seconds()


def test_spellings_of_a_name_count_together(visitor, account):
    for name in ("alice", "ALICE", "Alice", "ａｌｉｃｅ", "aLice"):
        visitor.sign_in(name, WRONG)
    assert visitor.sign_in("alice").status_code == 429


def test_address_waits_whatever_names_it_tries(visitor, visitor_at, account):
    names = [f"name-{number}" for number in range(ADDRESS.free)]
    for name in names:
        visitor.sign_in(name, WRONG)
    assert visitor.sign_in("somebody-else", WRONG).status_code == 429
    assert visitor_at("203.0.113.9").sign_in("alice").status_code == 302


def test_one_line_of_ipv6_counts_as_one_address(visitor_at, account):
    for number in range(ADDRESS.free):
        visitor_at(f"2001:db8::{number:x}").sign_in(f"name-{number}", WRONG)
    assert visitor_at("2001:db8::ffff").sign_in("alice").status_code == 429
    assert visitor_at("2001:db8:0:1::1").sign_in("alice").status_code == 302


def test_own_account_does_not_clear_the_address(visitor, account):
    fail(visitor, "bob", 4)
    visitor.sign_in("alice")
    assert SignInBrake.objects.get(key__startswith="address:").failures == 4


def test_known_browser_is_not_held_up_by_strangers(visitor, visitor_at, account):
    visitor.sign_in("alice")
    visitor.post("/accounts/logout/")
    stranger = visitor_at(visitor.defaults["REMOTE_ADDR"])  # the same address too
    fail(stranger, "alice", ACCOUNT.free)
    fail(stranger, "bob", ADDRESS.free)
    assert stranger.sign_in("alice").status_code == 429
    assert visitor.sign_in("alice").status_code == 302


def test_known_browser_is_braked_by_its_own_failures(visitor, account):
    visitor.sign_in("alice")
    visitor.post("/accounts/logout/")
    fail(visitor, "alice", ACCOUNT.free)
    assert visitor.sign_in("alice").status_code == 429


def test_known_browser_is_known_for_its_account_only(visitor, visitor_at, account):
    visitor.sign_in("alice")
    fail(visitor_at("203.0.113.9"), "bob", ACCOUNT.free)
    visitor.post("/accounts/logout/")
    assert visitor.sign_in("bob", WRONG).status_code == 429


def test_browsers_have_ids_of_128_random_bits(visitor, account):
    visitor.sign_in("alice")
    cookie = visitor.cookies["evsportal_device"].value
    (own,) = signing.loads(cookie, salt="snapshots.sign_in.devices").values()
    assert len(urlsafe_b64decode(own + "==")) == 16


def test_forged_device_is_a_stranger(visitor, visitor_at, account, settings):
    """Spelt as ours is, and signed with another key."""
    own, settings.SECRET_KEY = settings.SECRET_KEY, "a guessed key"
    forged = signing.dumps({account_key("alice")[:32]: "x"}, salt="snapshots.sign_in.devices")
    settings.SECRET_KEY = own
    fail(visitor_at("203.0.113.9"), "alice", ACCOUNT.free)
    visitor.cookies["evsportal_device"] = forged
    assert visitor.sign_in("alice").status_code == 429


def test_old_password_is_braked(visitor, account):
    visitor.sign_in("alice")
    form = {"old_password": WRONG, "new_password1": "x", "new_password2": "x"}
    tried = [visitor.post("/accounts/password/", form).status_code for _ in range(8)]
    assert (tried[0], tried[-1]) == (200, 429)


def test_name_that_nobody_has_answers_like_another(visitor_at, account):
    answers = {}
    for number, name in enumerate(("alice", "nobody-has-this")):
        visitor = visitor_at(f"203.0.113.{number}")
        page = [visitor.sign_in(name, WRONG) for _ in range(ACCOUNT.free + 1)]
        answers[name] = [(answer.status_code, _without_tokens(answer, name)) for answer in page]
    assert answers["alice"] == answers["nobody-has-this"]


def _without_tokens(answer, name):
    lines = answer.text.replace(f'value="{name}"', "NAME").splitlines()
    others = ("csrf", "data-now", "quote <code>")  # that differ from answer to answer
    return [line for line in lines if not any(other in line.lower() for other in others)]


def test_right_password_of_a_closed_account_shows_nothing(visitor_at, account):
    account.is_active = False
    account.save()
    right = visitor_at("203.0.113.1").sign_in("alice")
    wrong = visitor_at("203.0.113.2").sign_in("alice", WRONG)
    assert (right.status_code, wrong.status_code) == (200, 200)
    assert _without_tokens(right, "alice") == _without_tokens(wrong, "alice")


def test_trail_names_the_pause_once(visitor, account):
    fail(visitor, "alice", ACCOUNT.free + 5)
    refused = Action.objects.filter(code=ActionCode.SIGN_IN_REFUSED).order_by("seq")
    assert refused.count() == ACCOUNT.free
    assert refused.last().details == {"why": "wrong password", "next try after": "15 s"}


def test_published_passwords_are_braked_too(visitor, account, settings):
    settings.EVSPORTAL_MODE = "cloud"
    statuses = [visitor.sign_in("alice", "demo").status_code for _ in range(ACCOUNT.free + 1)]
    assert statuses[-1] == 429


def test_rows_hold_no_name_and_no_address(visitor):
    visitor.sign_in("MyPassword-typed-as-name", WRONG)
    facts = str(list(SignInBrake.objects.values()))
    assert "MyPassword" not in facts
    assert "198.51.100.7" not in facts


def test_worker_removes_old_failures(db, visitor):
    visitor.sign_in("alice", WRONG)
    SignInBrake.objects.filter(key__startswith="account:").update(
        failed_at=timezone.now() - timedelta(hours=25)
    )
    start_duty(TIDY, NO_CLOUD, due_at=timezone.now())
    from snapshots.duties.tidy import tidy

    tidy(Duty.objects.get(kind=TIDY))
    assert [brake.key.partition(":")[0] for brake in SignInBrake.objects.all()] == ["address"]


@pytest.mark.django_db(transaction=True)
def test_tries_at_one_moment_do_not_slip_past(settings):
    """Each thread has a connection of its own, as each process has."""
    from snapshots.sign_in.brakes import begin_try
    from snapshots.sign_in.errors import TryLaterError

    outcomes = []
    start = threading.Barrier(12)

    def attempt():
        request = Client().request().wsgi_request
        start.wait()
        try:
            begin_try(request, "alice")
            outcomes.append("counted")
        except TryLaterError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("counted") == ACCOUNT.free
    assert outcomes.count("refused") == 12 - ACCOUNT.free


def test_worker_enlists_the_duty(db):
    Loop()._enlist()
    assert Duty.objects.filter(kind=TIDY).exists()


def test_right_passwords_pass_at_a_busy_address(visitor_at, account):
    """An office behind one address, where people mistype now and then."""
    scene.person("bob", password=RIGHT)
    office = "203.0.113.20"
    now = timezone.now()
    for number in range(ADDRESS.free + 10):
        with time_machine.travel(now + number * timedelta(minutes=2), tick=False):
            SignInBrake.objects.filter(key__startswith="address:").update(paused_until=None)
            visitor_at(office).sign_in(f"typo-{number}", WRONG)
    later = now + timedelta(hours=2)
    with time_machine.travel(later, tick=False):
        names = ("alice", "bob", "alice")
        assert [visitor_at(office).sign_in(name).status_code for name in names] == [302] * 3


def test_failures_of_an_address_fade(visitor_at, account):
    office, now = "203.0.113.20", timezone.now()
    for number in range(2 * ADDRESS.free):
        with time_machine.travel(now + number * timedelta(minutes=30), tick=False):
            assert visitor_at(office).sign_in(f"typo-{number}", WRONG).status_code == 200
    assert SignInBrake.objects.get(key__startswith="address:").failures == 1
