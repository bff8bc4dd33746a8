"""Who signed in, and every change of who may do what, whichever way it is made."""

import uuid

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection

from snapshots.audit.record.actions import Click, clicked
from snapshots.models import Action, ActionCode, Operation, VolumeGrant
from snapshots.operations.asking import OperationArguments, ask_again, ask_for_operation
from snapshots.operations.refusals import NotAllowedError
from snapshots.operations.stopping import cancel_operation
from tests import factories as scene

pytestmark = pytest.mark.django_db


def codes():
    return list(Action.objects.order_by("seq").values_list("code", flat=True))


def last():
    return Action.objects.latest("seq")


@pytest.fixture
def alice():
    return scene.person("alice", password="demo-demo")


def sign_in(client, name, password):
    return client.post("/accounts/login/", {"username": name, "password": password})


def test_signing_in_and_out(client, alice):
    before = len(codes())
    sign_in(client, "alice", "demo-demo")
    client.post("/accounts/logout/")
    assert codes()[before:] == [ActionCode.SIGNED_IN, ActionCode.SIGNED_OUT]
    done = Action.objects.get(code=ActionCode.SIGNED_IN)
    assert (done.actor, done.actor_name, done.actor_roles) == (alice, "alice", "staff")
    assert done.address == "127.0.0.1"


def test_refused_sign_in_names_only_existing_accounts(client, alice):
    sign_in(client, "alice", "wrong")
    assert (last().code, last().subject) == (ActionCode.SIGN_IN_REFUSED, "alice")
    sign_in(client, "MyPassw0rd-in-the-wrong-field", "x")
    assert last().subject == "a name that nobody has"
    facts = [str(row) for row in Action.objects.values()]
    assert not [row for row in facts if "MyPassw0rd" in row or "wrong-field" in row]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(client, "alice", "demo-demo")
    assert last().details == {"why": "shut out"}


def test_rehash_at_sign_in_is_no_password_change(client, alice, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    old = make_password("demo-demo", hasher="pbkdf2_sha256")
    User.objects.filter(pk=alice.pk).update(password=old)
    sign_in(client, "alice", "demo-demo")
    alice.refresh_from_db()
    assert alice.password != old
    assert ActionCode.PASSWORD_CHANGED not in codes()


def test_a_password_changed_on_its_page(client, alice):
    client.force_login(alice)
    facts = {
        "old_password": "demo-demo",
        "new_password1": "n3w-Secret-words!",
        "new_password2": "n3w-Secret-words!",
    }
    client.post("/accounts/password/", facts | {"old_password": "wrong"})
    assert ActionCode.PASSWORD_CHANGED not in codes()
    assert (last().code, last().details) == (
        ActionCode.PASSWORD_REFUSED,
        {"why": "old_password"},
    )
    client.post("/accounts/password/", facts)
    assert (last().code, last().actor, last().subject) == (
        ActionCode.PASSWORD_CHANGED,
        alice,
        "alice",
    )
    assert not [row for row in Action.objects.values() if "n3w-Secret-words!" in str(row)]


def test_roles_in_every_way(alice):
    auditor = Group.objects.get(name="auditor")
    alice.groups.add(auditor)
    assert (last().code, last().details, last().subject) == (
        ActionCode.ROLE_GIVEN,
        {"role": "auditor"},
        "alice",
    )
    assert last().actor_name == "command line"
    auditor.user_set.remove(alice)
    assert last().code == ActionCode.ROLE_TAKEN
    auditor.user_set.add(alice)
    alice.groups.clear()
    taken = Action.objects.filter(code=ActionCode.ROLE_TAKEN).order_by("-seq")[:2]
    assert {item.details["role"] for item in taken} == {"staff", "auditor"}


def test_facts_and_flags_of_a_person(alice):
    alice.email = "alice@example.org"
    alice.is_active = False
    alice.is_superuser = True
    alice.save()
    assert codes()[-3:] == [
        ActionCode.PERSON_CHANGED,
        ActionCode.PERSON_SHUT_OUT,
        ActionCode.ROLE_GIVEN,
    ]
    alice.is_active = True
    alice.save()
    assert last().code == ActionCode.PERSON_LET_IN
    count = len(codes())
    alice.save()
    assert len(codes()) == count


def test_names_stay_as_they_were(client, alice):
    client.force_login(alice)
    alice.username = "alice2"
    alice.save()
    done = Action.objects.get(code=ActionCode.SIGNED_IN)
    assert (done.actor.username, done.actor_name) == ("alice2", "alice")


def test_grants(alice):
    grant = VolumeGrant.objects.create(cloud="sandbox", volume_id="v-1", user=alice)
    assert (last().code, last().subject, last().target_id) == (
        ActionCode.GRANT_GIVEN,
        "alice",
        "v-1",
    )
    VolumeGrant.objects.filter(pk=grant.pk).delete()
    assert last().code == ActionCode.GRANT_TAKEN


# --- operations ------------------------------------------------------------------------------


@pytest.fixture
def volume(alice):
    return scene.volume(granted_to=alice)


def ask(alice, volume, key=None):
    return ask_for_operation(
        requester=alice,
        key=key or uuid.uuid4(),
        arguments=OperationArguments(volume=volume, name="x"),
    )[0]


def test_repeated_request_is_recorded_once(alice, volume):
    key = uuid.uuid4()
    operation = ask(alice, volume, key)
    ask(alice, volume, key)
    done = Action.objects.get(code=ActionCode.OPERATION_ASKED)
    assert (done.operation, done.target_id) == (operation, volume.volume_id)
    assert done.details["name"] == "x"


def test_what_one_click_causes_bears_one_id(alice, volume):
    with clicked(Click(uuid.UUID(int=1), lambda: alice, "10.0.0.1")):
        operation = ask(alice, volume)
        scene.person("bob")
    with clicked(Click(uuid.UUID(int=2), lambda: alice)):
        cancel_operation(operation=operation, person=alice)
    caused = Action.objects.filter(cause=uuid.UUID(int=1)).values_list("code", "address")
    assert (ActionCode.OPERATION_ASKED, "10.0.0.1") in caused
    assert (ActionCode.PERSON_ADDED, "10.0.0.1") in caused
    assert (operation.cause, last().cause) == (uuid.UUID(int=1), uuid.UUID(int=2))


def test_cancel_and_ask_again_are_recorded(alice, volume):
    operation = ask(alice, volume)
    assert cancel_operation(operation=operation, person=alice)
    assert last().code == ActionCode.OPERATION_CANCELLED
    operation.refresh_from_db()
    assert not cancel_operation(operation=operation, person=alice)
    assert last().code == ActionCode.OPERATION_CANCEL_REFUSED
    ask_again(operation=operation, person=alice, key=uuid.uuid4())
    assert last().code == ActionCode.OPERATION_AGAIN


def test_refusals_have_codes_of_their_own(alice, volume):
    bob = scene.person("bob")
    operation = ask(alice, volume)
    with pytest.raises(NotAllowedError):
        ask_for_operation(
            requester=bob, key=uuid.uuid4(), arguments=OperationArguments(volume=volume, name="y")
        )
    assert (last().code, last().actor) == (ActionCode.OPERATION_REFUSED, bob)
    with pytest.raises(NotAllowedError):
        cancel_operation(operation=operation, person=bob)
    assert last().code == ActionCode.OPERATION_CANCEL_REFUSED
    with pytest.raises(NotAllowedError):
        ask_again(operation=operation, person=bob, key=uuid.uuid4())
    assert last().code == ActionCode.OPERATION_AGAIN_REFUSED


def test_what_cannot_be_recorded_is_not_asked(alice, volume):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE snapshots_action RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        ask(alice, volume)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO snapshots_action")
    assert not Operation.objects.exists()
