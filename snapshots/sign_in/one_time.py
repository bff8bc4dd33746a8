"""One-time passwords: an administrator knows the password that they set, so it is good for choosing
another and for nothing else, and only for some days.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.utils import timezone

from snapshots.audit.record.people import password_is_new, setter_of_password
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.clock import latest_plausible
from snapshots.database.transactions import in_transaction
from snapshots.models import OneTimePassword
from snapshots.sign_in.mail import tell_of_set_password

LASTS = timedelta(hours=72)
_KEY = "must_choose_password"
# What a person who must choose a password may open.
OPEN = frozenset({"password_change", "confirm_identity", "logout", "login"})


def watch() -> None:
    """Twice does no harm."""
    post_save.connect(_note, sender=User, dispatch_uid="one-time passwords")
    user_logged_in.connect(_mark, dispatch_uid="one-time passwords")


def one_time_password_of(person: User) -> OneTimePassword | None:
    return OneTimePassword.objects.filter(person=person).first()


def is_over(person: User) -> bool:
    """Whether the person has a one-time password that has expired. One with a time after now counts
    as expired too: a clock was wrong, and nobody knows its age.
    """
    given = one_time_password_of(person)
    if given is None:
        return False
    now = timezone.now()
    return given.given_at <= now - LASTS or given.given_at > latest_plausible(now=now)


def must_choose(request: HttpRequest) -> bool:
    """Whether this session may do nothing but choose a password. All sessions from before a
    password was set have ended, so what was noted at the sign-in holds.
    """
    return bool(request.session.get(_KEY))


def has_chosen(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)


def _mark(user: User, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    if request is None:
        return
    if not sign_in_facts(request).by and one_time_password_of(user) is not None:
        request.session[_KEY] = True
    else:
        has_chosen(request)


def _note(
    instance: User, *, created: bool, raw: bool = False, update_fields: Any = None, **_kwargs: Any
) -> None:
    if raw or not password_is_new(instance, created=created, update_fields=update_fields):
        return
    setter = setter_of_password(instance)

    def write() -> None:
        if setter is None:
            OneTimePassword.objects.filter(person=instance).delete()
            return
        facts = {"given_by_name": setter.get_username(), "given_at": timezone.now()}
        OneTimePassword.objects.update_or_create(person=instance, defaults=facts)
        tell_of_set_password(instance, setter.get_username())

    in_transaction(write)
