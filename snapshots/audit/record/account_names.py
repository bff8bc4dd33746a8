"""Names of accounts and groups: which names are refused, and which accounts had a name over time.

The trail keeps the name that an account had then, so a name that can be taken for another, or for
the portal's own, makes the trail lie to its readers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Field, Model
from django.utils.translation import gettext as _

from snapshots.audit.record.actions import COMMAND_LINE, NOBODY, PORTAL
from snapshots.models import Role
from snapshots.models.finding import longest_of
from snapshots.models.folding import fold
from snapshots.models.lookalikes import looks_of, reads_as, unreadable_in

OWN_NAMES = (PORTAL, NOBODY, COMMAND_LINE)
MOST_ACCOUNTS = 20  # of one name
MOST_NAMES = 3  # looked up for one search


def watch() -> None:
    """Let every validation of a name ask this module: the administration, `createsuperuser`,
    `full_clean`. Twice does no harm.
    """
    _watch(User._meta.get_field("username"), refuse_confusing_name)
    _watch(Group._meta.get_field("name"), _refuse_name_of_role)


_watched = set[str]()  # fields


def _watch(field: "Field[Any, Any]", refuse: Callable[[str, Any], None]) -> None:
    if str(field) in _watched:
        return
    validate = field.validate

    def validate_name(value: Any, model_instance: Model | None) -> None:
        validate(value, model_instance)
        refuse(str(value), model_instance)

    field.validate = validate_name  # type: ignore[method-assign] # Django has no other way in
    _watched.add(str(field))


def _refuse_name_of_role(name: str, _group: Group | None) -> None:
    if sentence := role_confusion(name):
        raise ValidationError(_choose_another(sentence), code="confusing")


def role_confusion(name: str) -> str:
    """Why a group's name passes for a role's, in a sentence without its end; empty: it does not.

    The roles themselves have their exact names, which the table keeps unique.
    """
    if name in Role.values:
        return ""
    if reason := unreadable_in(name):
        return f"“{name}” {reason}"
    if role := reads_as(name, tuple(Role.values)):
        return _("“{name}” reads like “{role}”, which is a role").format(name=name, role=role)
    return ""


def confusing_groups() -> list[str]:
    """What is wrong with names of groups that came in without validation, a sentence each."""
    names = Group.objects.order_by("pk").values_list("name", flat=True)
    return [sentence for name in names if (sentence := role_confusion(name))]


def refuse_confusing_name(name: str, account: User | None = None) -> None:
    """Raises `ValidationError` for a name that can be taken for another's. The name that an account
    has already is left to it: it may have to be shut out.
    """
    if User.objects.filter(username=name).exists():
        return  # the account's own, or refused as taken
    others = User.objects.all()
    if account is not None and account.pk is not None:
        others = others.exclude(pk=account.pk)
    if sentence := confusion(name, others.values_list("username", flat=True).iterator()):
        raise ValidationError(_choose_another(sentence), code="confusing")


def confusion(name: str, others: Any) -> str:
    """What a name can be taken for, in a sentence without its end; empty: nothing."""
    if reason := unreadable_in(name):
        return f"“{name}” {reason}"
    if own := reads_as(name, OWN_NAMES):
        sentence = _(
            "“{name}” reads like “{own}”, by which the audit trail names the portal's own acts"
        )
        return sentence.format(name=name, own=own)
    looks = looks_of(name)
    for other in others:
        if other != name and looks & looks_of(other):
            return _looks_like(name, other)
    return ""


def _looks_like(name: str, other: str) -> str:
    sentence = _("“{name}” looks like “{other}”, which is the name of another account")
    return sentence.format(name=name, other=other)


def _choose_another(sentence: str) -> str:
    return _("{sentence}. Choose another name.").format(sentence=sentence)


class TakenNames:
    """The names of all accounts, each read once, to compare many new names with them and with each
    other.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._first_of: dict[str, str] = {}
        for name in User.objects.order_by("pk").values_list("username", flat=True).iterator():
            self._add(name)

    def _add(self, name: str) -> None:
        self._names.add(name)
        for look in {*looks_of(name), fold(name)}:
            self._first_of.setdefault(look, name)

    def take(self, name: str) -> None:
        """Raises `ValidationError` for a name that is taken or can be taken for another's."""
        if name in self._names:
            raise ValidationError(User._meta.get_field("username").error_messages["unique"])
        sentence = confusion(name, ())
        looks = (*looks_of(name), fold(name))
        other = next((self._first_of[look] for look in looks if look in self._first_of), None)
        if not sentence and other is not None:
            sentence = _looks_like(name, other)
        if sentence:
            raise ValidationError(_choose_another(sentence), code="confusing")
        self._add(name)


def confusing_accounts() -> list[str]:
    """What is wrong with names that came in without validation, a sentence each."""
    names = list(User.objects.order_by("pk").values_list("username", flat=True))
    first_of: dict[str, str] = {}
    sentences = []
    for name in names:
        sentence = confusion(name, ())
        other = next((first_of[look] for look in looks_of(name) if look in first_of), None)
        if not sentence and other is not None:
            sentence = _looks_like(name, other)
        if sentence:
            sentences.append(sentence)
        for look in looks_of(name):
            first_of.setdefault(look, name)
    return sentences


# --- over time -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bearer:
    """An account that acted under a name."""

    id: int
    name_now: str


@dataclass(frozen=True, slots=True)
class SharedName:
    """A name that several accounts had."""

    name: str
    bearers: tuple[Bearer, ...]


def shared_names(names: list[str]) -> list[SharedName]:
    """Those of the first few names that several accounts had."""
    first = list(dict.fromkeys(names))[:MOST_NAMES]
    return [shared for name in first if (shared := shared_name(name))]


def shared_name(name: str) -> SharedName | None:
    """The accounts that acted under this name, in any spelling of it, if there are several."""
    ids = _ids_of(fold(name)[: longest_of("actor_name")])
    if len(ids) < 2:
        return None
    now = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    return SharedName(
        name, tuple(Bearer(account_id, now.get(account_id, "")) for account_id in ids)
    )


def _ids_of(folded: str) -> list[int]:
    """Each is found by one step in an index, however often the account acted."""
    step = "SELECT min(actor_id) AS v FROM snapshots_entry WHERE actor_name = %s"
    sql = (  # the name is a parameter
        f"WITH RECURSIVE ids(v) AS (SELECT * FROM ({step} AND actor_id IS NOT NULL) AS f UNION ALL "
        f"SELECT ({step} AND actor_id > ids.v) FROM ids WHERE ids.v IS NOT NULL) "
        f"SELECT v FROM ids WHERE v IS NOT NULL LIMIT {MOST_ACCOUNTS}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [folded, folded])
        return [row[0] for row in cursor.fetchall()]
