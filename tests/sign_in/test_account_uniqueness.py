"""No two accounts have the same name, in whatever way they are made."""

import threading

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from snapshots.checks import check_names
from snapshots.models import AccountName
from snapshots.sign_in.names import digest_of_name, name_new_accounts
from tests import factories as scene

SAME = ["alice", "Alice", "ALICE", "ａｌｉｃｅ", "ⓐlice"]


@pytest.mark.parametrize("name", SAME)
def test_second_account_of_a_name_is_refused(account, name):
    with pytest.raises((ValidationError, IntegrityError)):
        User.objects.create_user(name)
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["alicia", "alice2", "ali.ce"])
def test_other_names_are_taken(account, name):
    User.objects.create_user(name)
    assert AccountName.objects.count() == 2


def test_longest_name_has_a_row(db):
    person = User.objects.create(username="ﷺ" * 150, password="!")
    assert AccountName.objects.get(person=person).digest


def test_renaming_to_a_taken_name_is_refused(account):
    bob = scene.person("bob")
    bob.username = "Alice"
    with pytest.raises(ValidationError):
        bob.save()
    bob.refresh_from_db()
    assert bob.username == "bob"


def test_renamed_account_frees_its_name(account):
    account.username = "alicia"
    account.save()
    User.objects.create_user("ALICE")


def test_account_may_change_the_case_of_its_name(account):
    account.username = "Alice"
    account.save()
    assert AccountName.objects.get().digest == digest_of_name("alice")


@pytest.mark.django_db(transaction=True)
def test_only_one_of_several_made_at_a_moment_stays():
    """Each thread has a connection of its own, as each process has."""
    start = threading.Barrier(len(SAME))
    made = []

    def make(name):
        start.wait()
        try:
            made.append(User.objects.create_user(name).username)
        except (ValidationError, IntegrityError):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=(name,)) for name in SAME]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert [person.username for person in User.objects.all()] == made


def test_worker_names_what_came_without_signals(db):
    User.objects.bulk_create([User(username=name, password="!") for name in ("bob", "Bob")])
    name_new_accounts()
    name_new_accounts()
    digests = AccountName.objects.order_by("pk").values_list("digest", flat=True)
    assert list(digests) == [digest_of_name("bob"), None]


def test_plain_check_names_accounts_that_look_alike(db):
    """Every command is checked so, also where no database is named."""
    User.objects.bulk_create([User(username=name, password="!") for name in ("bob", "Bob")])
    (warning,) = (message for message in run_checks() if message.id == "evsportal.W020")
    assert "“Bob” looks like “bob”" in warning.msg or "“bob” looks like “Bob”" in warning.msg


def test_person_of_the_provider_gets_another_name(db):
    from snapshots.sso.people import Identity, account_of

    User.objects.create_user("ａｌｉｃｅ")
    account = account_of(Identity(provider_id="oidc-1", subject="1", name="Alice"))
    assert account.user.username.startswith("Alice-")


def test_new_name_of_marked_account_is_stored(db):
    User.objects.bulk_create([User(username=name, password="!") for name in ("alice", "Alice")])
    name_new_accounts()
    assert "“Alice” looks like “alice”" in check_names()[0].msg
    marked = User.objects.get(username="Alice")
    marked.first_name = "Al"
    marked.save()
    marked.username = "alison"
    marked.save()
    assert AccountName.objects.get(person=marked).digest == digest_of_name("alison")
