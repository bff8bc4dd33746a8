"""Names that can be taken for another's are refused; a name that several had is told apart."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from snapshots.audit.record import account_names
from snapshots.checks import check_names
from snapshots.models.lookalikes import looks_of

pytestmark = pytest.mark.django_db

OWN = [
    *(
        "portal",
        "Portal",
        "PORTAL",
        "p0rtal",
        "porta1",
        "portaI",
        "роrtаl",
        "ｐｏｒｔａｌ",
        "pørtal",
    ),
    *("nobody", "NOBODY", "n0body", "no.body", "command line", "command_line", "Command-Line"),
    *("commandline", "cornmand.line", "ΝοΒοdу", "pórtal"),
    *("ᑭortal", "ꓑortal", "p๐rtal", "portaا", "portaǀ", "poɾtal", "portaɭ"),
]
LIKE_ALICE = [
    "Alice",
    "ALICE",
    "AIice",
    "a1ice",
    "аlice",
    "аӏісе",
    "àlice",
    "ａｌｉｃｅ",
    "alıce",
    "aliсe",
]
LIKE_OTHERS = [
    ("bernard", "bemard"),
    ("user10", "userlo"),
    ("wvv", "ww"),
    ("иван", "ИВАН"),
    ("νίκος", "ΝΙΚΟΣ"),
    ("сосо", "coco"),
    ("straße", "strasse"),
]
UNREADABLE = [
    *(
        "al\u200bice",
        "al\u202eice",
        "\u3164",
        "...",
        "_",
        " alice ",
        "carol ",
        "x\u00adx",
        "a\u2060b",
    ),
    *("al\ufe0fice", "c\u0430rol", "ivαn", "\u2800", "x\ty"),
]
FINE = [
    "bob",
    "alicia",
    "alice2",
    "malice",
    "иван",
    "νίκη",
    "müller",
    "李雷",
    "山田たろう",
    "o.neil",
    "portal-team",
]


def refused(name, account=None):
    with pytest.raises(ValidationError) as error:
        (account or User(username=name, password="!")).full_clean()
    return " ".join(error.value.message_dict["username"])


@pytest.mark.parametrize("name", OWN)
def test_a_name_like_the_portals_own_is_refused(name):
    assert "reads like “" in refused(name) or "two alphabets" in refused(name)


@pytest.mark.parametrize("name", ["田中Taro", "김Kim", "O\u02bcNeil", "Иванов", "ნინო"])
def test_name_in_one_alphabet_is_accepted(name):
    User(username=name, password="!").full_clean()


@pytest.mark.parametrize("name", LIKE_ALICE)
def test_a_name_like_another_accounts_is_refused(name, alice):
    sentence = refused(name)
    assert "looks like “alice”" in sentence or "two alphabets" in sentence


@pytest.mark.parametrize(("there", "name"), LIKE_OTHERS)
def test_letters_that_look_alike_are_told(there, name):
    User.objects.create(username=there, password="!")
    assert f"“{name}” looks like “{there}”, which is the name of another account" in refused(name)


@pytest.mark.parametrize("name", UNREADABLE, ids=ascii)
def test_a_name_that_cannot_be_read_is_refused(name):
    assert "Choose another name." in refused(name)


@pytest.mark.parametrize("name", FINE)
def test_other_names_are_taken(name, alice):
    account_names.refuse_confusing_name(name)


@pytest.mark.parametrize("name", [*OWN, *LIKE_ALICE, *FINE])
def test_a_name_looks_like_itself_in_any_case(name):
    assert looks_of(name) == looks_of(f" {name} ")
    assert looks_of(name) & looks_of(name.upper())
    assert looks_of(name) & looks_of(name.lower())


def test_confusing_rename_is_refused_other_changes_pass(alice):
    carol = User.objects.create(username="carol", password="!")
    carol.username = "A1ice"
    assert "looks like “alice”" in refused("", carol)
    alice.username = "Alice"  # her own name in another case
    alice.full_clean()


def test_confusing_account_can_be_shut_out(alice):
    mallory = User.objects.create(username="aIice", password="!")
    mallory.is_active = False
    mallory.full_clean()


def test_createsuperuser_refuses_misleading_name(alice):
    for name in ("p0rtal", "A1ice", "command line"):
        with pytest.raises(CommandError, match=r"reads like|looks like"):
            call_command(
                "createsuperuser",
                username=name,
                email="x@y.example",
                interactive=False,
                stdout=io.StringIO(),
            )
    assert User.objects.count() == 1


def test_check_reports_confusing_accounts(alice):
    for name in ("nobody", "aIice", "bob"):
        User.objects.create(username=name, password="!")
    facts = [message.msg for message in check_names()]
    assert len(facts) == 2
    assert "“nobody” reads like “nobody”" in facts[0]
    assert "“aIice” looks like “alice”" in facts[1]
