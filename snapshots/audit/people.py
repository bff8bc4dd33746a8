"""Records sign-ins, and every change of who may do what, wherever in the code it is made.

Django's own signals are the one place that the pages, the administration, the command line and a
shell all pass.
"""

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from snapshots.audit.actions import COMMAND_LINE, is_clicked, record
from snapshots.models import ActionCode, VolumeGrant

_FACTS = ("username", "first_name", "last_name", "email")


def watch() -> None:
    """Connect everything. Twice does no harm."""
    for signal, receiver, sender in (
        (user_logged_in, _signed_in, None),
        (user_logged_out, _signed_out, None),
        (user_login_failed, _sign_in_refused, None),
        (pre_save, _remember, User),
        (post_save, _person_saved, User),
        (m2m_changed, _groups_changed, User.groups.through),
        (post_save, _grant_saved, VolumeGrant),
        (post_delete, _grant_removed, VolumeGrant),
    ):
        signal.connect(receiver, sender=sender, dispatch_uid=receiver.__name__)


def _record(code: ActionCode, **told: Any) -> None:
    record(code, actor_name="" if is_clicked() else COMMAND_LINE, **told)


# --- sessions --------------------------------------------------------------------------------


def _signed_in(user: User, **_kwargs: Any) -> None:
    record(ActionCode.SIGNED_IN, actor=user, subject=user.get_username())


def _signed_out(user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        record(ActionCode.SIGNED_OUT, actor=user, subject=user.get_username())


def _sign_in_refused(credentials: dict[str, Any], **_kwargs: Any) -> None:
    """A name that nobody has is not written down: people type their password there."""
    typed = str(credentials.get("username", ""))[:150].replace("\x00", "")
    known = User.objects.filter(username=typed).first()
    told = {"why": "shut out" if known and not known.is_active else "wrong password"}
    record(
        ActionCode.SIGN_IN_REFUSED,
        actor_name="nobody",
        subject=typed if known else "a name that nobody has",
        details=told if known else {"why": "unknown name"},
    )


# --- people ----------------------------------------------------------------------------------


def _remember(instance: User, update_fields: Any = None, **_kwargs: Any) -> None:
    """What is in the table before it is written over."""
    only_login = update_fields is not None and set(update_fields) == {"last_login"}
    before = None if only_login or instance.pk is None else User.objects.filter(pk=instance.pk)
    instance._before = before.first() if before is not None else None  # type: ignore[attr-defined]  # noqa: SLF001


def _person_saved(instance: User, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    if raw:  # a fixture
        return
    name = instance.get_username()
    if created:
        _record(ActionCode.PERSON_ADDED, subject=name, details=_rights_of(instance))
        return
    before: User | None = getattr(instance, "_before", None)
    if before is None:
        return
    changed = {
        fact: f"{getattr(before, fact)} → {getattr(instance, fact)}"
        for fact in _FACTS
        if getattr(before, fact) != getattr(instance, fact)
    }
    if changed:
        _record(ActionCode.PERSON_CHANGED, subject=name, details=changed)
    if before.is_active != instance.is_active:
        code = ActionCode.PERSON_LET_IN if instance.is_active else ActionCode.PERSON_SHUT_OUT
        _record(code, subject=name)
    if before.is_superuser != instance.is_superuser:
        code = ActionCode.ROLE_GIVEN if instance.is_superuser else ActionCode.ROLE_TAKEN
        _record(code, subject=name, details={"role": "superuser"})
    # Without the new password at hand it is only the same one, hashed anew at a sign-in.
    if before.password != instance.password and instance._password is not None:  # type: ignore[attr-defined]  # noqa: SLF001
        _record(ActionCode.PASSWORD_CHANGED, subject=name)


def _rights_of(person: User) -> dict[str, str]:
    return {"role": "superuser"} if person.is_superuser else {}


def _groups_changed(
    instance: User | Group, action: str, *, reverse: bool, pk_set: set[int] | None, **_kwargs: Any
) -> None:
    if action == "pre_clear":
        all_of_it = instance.groups if isinstance(instance, User) else instance.user_set
        pk_set = set(all_of_it.values_list("pk", flat=True))
    code = {
        "post_add": ActionCode.ROLE_GIVEN,
        "post_remove": ActionCode.ROLE_TAKEN,
        "pre_clear": ActionCode.ROLE_TAKEN,
    }.get(action)
    if code is None or not pk_set:
        return
    others = (User if reverse else Group).objects.filter(pk__in=pk_set)
    for other in others.order_by("pk"):
        person, group = (other, instance) if reverse else (instance, other)
        person.__dict__.pop("_roles", None)
        _record(code, subject=str(person), details={"role": str(group)})


# --- volumes ---------------------------------------------------------------------------------


def _grant_saved(instance: VolumeGrant, *, raw: bool = False, **_kwargs: Any) -> None:
    if not raw:
        _record_grant(ActionCode.GRANT_GIVEN, instance)


def _grant_removed(instance: VolumeGrant, **_kwargs: Any) -> None:
    _record_grant(ActionCode.GRANT_TAKEN, instance)


def _record_grant(code: ActionCode, grant: VolumeGrant) -> None:
    _record(
        code,
        subject=str(grant.user or grant.group),
        cloud=grant.cloud,
        volume_id=grant.volume_id,
        details={} if grant.volume_id else {"volumes": "every volume of the cloud"},
    )
