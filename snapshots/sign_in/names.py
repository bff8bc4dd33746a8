"""How names of accounts are compared, and that no two are the same.

`audit/record/account_names.py` refuses more where a name is chosen: what looks like another's. Here
stands what must hold in whatever way an account is made, and at whatever moment.
"""

import hashlib
import unicodedata
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save, pre_save
from django.utils.translation import gettext as _

from snapshots.audit.record.people import row_before
from snapshots.models import AccountName

MOST_NAMED = 500  # in one step of the duty


def folded_name(name: str) -> str:
    """The form in which two names are the same: NFKC, without case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


def digest_of_name(name: str) -> str:
    return hashlib.sha256(folded_name(name).encode(errors="surrogatepass")).hexdigest()


def is_taken(name: str) -> bool:
    """Whether an account has this name, in any spelling of it."""
    return AccountName.objects.filter(digest=digest_of_name(name)).exists()


def watch() -> None:
    """Twice does no harm. After `audit.record.people.watch`, which reads the row of before."""
    pre_save.connect(_refuse_taken, sender=User, dispatch_uid="names of accounts")
    post_save.connect(_store, sender=User, dispatch_uid="names of accounts")


def name_new_accounts() -> None:
    """For the worker's duty: accounts that fixtures, SQL or code of an earlier release made."""
    for person in User.objects.filter(account_name=None).order_by("pk")[:MOST_NAMED]:
        digest = None if is_taken(person.username) else digest_of_name(person.username)
        AccountName.objects.get_or_create(person=person, defaults={"digest": digest})


def _is_new(person: User) -> bool:
    before: User | None = row_before(person)
    return before is not None and before.username != person.username


def _refuse_taken(instance: User, *, raw: bool = False, **_kwargs: Any) -> None:
    """Before anything is written. Raises `ValidationError`."""
    if raw or not (instance._state.adding or _is_new(instance)):
        return
    rows = AccountName.objects.filter(digest=digest_of_name(instance.username))
    if rows.exclude(person=instance.pk).exists():
        sentence = _("An account has the name “{name}” already, in this or another spelling.")
        raise ValidationError(sentence.format(name=instance.username), code="unique")


def _store(instance: User, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """Raises `IntegrityError` when another account took the name at this moment; then this one is
    not made, or keeps the name that it had.
    """
    if raw or not (created or _is_new(instance)):
        return
    facts = {"digest": digest_of_name(instance.username)}
    try:
        with transaction.atomic():
            AccountName.objects.update_or_create(person=instance, defaults=facts)
    except IntegrityError:
        if not connection.in_atomic_block:  # else the caller's transaction undoes it
            _undo(instance, created=created)
        raise


def _undo(person: User, *, created: bool) -> None:
    if created:
        User.objects.get(pk=person.pk).delete()
    else:
        User.objects.filter(pk=person.pk).update(username=row_before(person).username)
