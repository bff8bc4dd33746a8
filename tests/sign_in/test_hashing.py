"""Hashing passwords is bounded: who comes third is told to wait, and other pages answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.contrib.auth.models import User

from snapshots.sign_in.errors import TryLaterError
from snapshots.sign_in.hashing import MOST_AT_ONCE, hashing_slot
from tests.e2e.stack import running
from tests.sign_in.conftest import LOGIN, RIGHT

REAL_HASHERS = [
    "snapshots.sign_in.hashing.BoundedArgon2",
    "snapshots.sign_in.hashing.BoundedPBKDF2",
]


@pytest.fixture
def real_hashers(settings):
    settings.PASSWORD_HASHERS = REAL_HASHERS


@pytest.fixture
def busy():
    """All slots are taken by other threads."""
    taken, free = threading.Barrier(MOST_AT_ONCE + 1), threading.Event()

    def hold():
        with hashing_slot():
            taken.wait()
            free.wait()

    threads = [threading.Thread(target=hold) for _ in range(MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    taken.wait()
    yield
    free.set()
    for thread in threads:
        thread.join()


def test_thread_goes_on_with_its_slot():
    with hashing_slot(), hashing_slot(), hashing_slot():
        pass


def test_slots_are_free_again_after_an_error():
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(ValueError, match="inside"), hashing_slot():
            raise ValueError("inside")


def test_argon2_comes_first_and_is_modest(real_hashers):
    encoded = make_password(RIGHT)
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password(RIGHT, encoded)


def test_old_hash_is_replaced_at_sign_in(visitor, account, real_hashers):
    old = make_password(RIGHT, hasher="pbkdf2_sha256")
    User.objects.filter(pk=account.pk).update(password=old)
    visitor.sign_in("alice")
    account.refresh_from_db()
    assert visitor.is_in
    assert identify_hasher(account.password).algorithm == "argon2"


@pytest.mark.parametrize("password", [RIGHT, "wrong"])
@pytest.mark.parametrize("name", ["alice", "nobody-has-this"])
def test_sign_in_waits_for_nothing(visitor, account, busy, name, password):
    answer = visitor.sign_in(name, password)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"
    assert "as many passwords as it can" in answer.text


def test_password_change_waits_for_nothing(visitor, account, real_hashers, busy):
    visitor.force_login(account)
    new = "another-good-passphrase-7"
    fields = {"old_password": RIGHT, "new_password1": new, "new_password2": new}
    assert visitor.post("/accounts/password/", fields).status_code == 429


def test_hash_of_another_waits_for_nothing(real_hashers, busy):
    with pytest.raises(TryLaterError):
        make_password(RIGHT)


def test_other_pages_answer_during_300_wrong_sign_ins(tmp_path):
    """How fast: `./run bench --sign-in`."""
    with running(tmp_path, "--no-sandbox", EVSPORTAL_CLOUDS="") as stack:
        pages = []
        over = threading.Event()

        def read_pages():
            while not over.is_set():
                pages.append(requests.get(f"{stack.url}/accounts/logout/", timeout=10).status_code)

        token = requests.get(stack.url + LOGIN, timeout=60).cookies["csrftoken"]
        form = {"password": "wrong", "csrfmiddlewaretoken": token}

        def try_to_sign_in(number):
            fields = form | {"username": f"alice-{number}"}
            cookies = {"csrftoken": token}
            answer = requests.post(stack.url + LOGIN, fields, cookies=cookies, timeout=60)
            return answer.status_code

        reader = threading.Thread(target=read_pages)
        reader.start()
        with ThreadPoolExecutor(300) as crowd:
            statuses = list(crowd.map(try_to_sign_in, range(300)))
        over.set()
        reader.join()
    assert set(statuses) <= {200, 429}
    assert statuses.count(429) > 200
    assert set(pages) == {405}
