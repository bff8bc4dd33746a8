"""Records sign-ins, and every change of who may do what, wherever in the code it is made.

Pages, the administration, commands and a shell all send Django's signals, so receivers miss none.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import (
    m2m_changed,
    post_save,
    pre_delete,
    pre_save,
)
from django.http import HttpRequest

from snapshots.audit.record.actions import (
    COMMAND_LINE,
    NOBODY,
    acting_person,
    is_clicked,
    record,
)
from snapshots.audit.record.sign_in_facts import sign_in_facts
from snapshots.models import ActionCode, GrantScope, Target, TargetKind, VolumeGrant

_FACTS = ("username", "first_name", "last_name", "email")


def watch() -> None:
    """Connect everything. Twice does no harm."""
    for signal, receiver, sender in (
        (user_logged_in, _signed_in, None),
        (user_logged_out, _signed_out, None),
        (user_login_failed, _sign_in_refused, None),
        (pre_save, _remember, User),
        (post_save, _person_saved, User),
        (pre_delete, _person_removed, User),
        (m2m_changed, _groups_changed, User.groups.through),
        (m2m_changed, _permissions_changed, User.user_permissions.through),
        (m2m_changed, _permissions_changed, Group.permissions.through),
        (pre_save, _remember, Group),
        (post_save, _group_saved, Group),
        (pre_delete, _group_removed, Group),
        (pre_save, _remember, VolumeGrant),
        (post_save, _grant_saved, VolumeGrant),
        (pre_delete, _grant_removed, VolumeGrant),
    ):
        name = f"{receiver.__name__} {sender}"
        signal.connect(receiver, sender=sender, dispatch_uid=name)


def _record(code: ActionCode, **columns: Any) -> None:
    record(code, actor_name="" if is_clicked() else COMMAND_LINE, **columns)


# --- sessions --------------------------------------------------------------------------------


def _signed_in(user: User, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    facts = sign_in_facts(request)
    texts = {"by": facts.by, "second factor": facts.second_factor}
    details = {name: text for name, text in texts.items() if text}
    record(ActionCode.SIGNED_IN, actor=user, subject=user.get_username(), details=details)


def _signed_out(user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        record(ActionCode.SIGNED_OUT, actor=user, subject=user.get_username())


def _sign_in_refused(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any
) -> None:
    """An unknown name is not recorded: people type their password in that field by mistake."""
    typed = str(credentials.get("username", ""))[:150].replace("\x00", "")
    person = User.objects.filter(username=typed).first()
    facts = sign_in_facts(request)
    details = {"why": "shut out" if person and not person.is_active else facts.refusal}
    after = {"next try after": f"{facts.pause.total_seconds():.0f} s"} if facts.pause else {}
    record(
        ActionCode.SIGN_IN_REFUSED,
        actor_name=NOBODY,
        subject=typed if person else "a name that nobody has",
        details=(details if person else {"why": "unknown name"}) | after,
    )


# --- people ----------------------------------------------------------------------------------


def _remember(instance: Model, update_fields: Any = None, **_kwargs: Any) -> None:
    """Read the stored row before `save` overwrites it."""
    only_login = update_fields is not None and set(update_fields) == {"last_login"}
    table = type(instance)._default_manager
    before = None if only_login or instance.pk is None else table.filter(pk=instance.pk).first()
    instance._before = before  # type: ignore[attr-defined]  # noqa: SLF001 - ours


def row_before(instance: Model) -> Any:
    """The row as it was before it was saved; None: there was none, or only a sign-in is noted."""
    return getattr(instance, "_before", None)


def _person_saved(
    instance: User,
    *,
    created: bool,
    raw: bool = False,
    update_fields: Any = None,
    **_kwargs: Any,
) -> None:
    if raw:  # a fixture
        return
    name = instance.get_username()
    if created:
        _record(ActionCode.PERSON_ADDED, subject=name, details=_rights_of(instance))
        if password_is_new(instance, created=True) and setter_of_password(instance):
            _record(ActionCode.PASSWORD_SET, subject=name)
        return
    before: User | None = row_before(instance)
    if before is None:
        return
    _record_facts(before, instance)
    _record_rights(before, instance)
    if password_is_new(instance, created=False, update_fields=update_fields):
        by_another = setter_of_password(instance) is not None
        _record(
            ActionCode.PASSWORD_SET if by_another else ActionCode.PASSWORD_CHANGED, subject=name
        )


def password_is_new(person: User, *, created: bool, update_fields: Any = None) -> bool:
    """Whether the save that ends stored another password."""
    if created:
        return person.has_usable_password()
    before: User | None = row_before(person)
    # A sign-in may store the same password with a newer hash. Django then saves this column alone,
    # and has already forgotten the typed password.
    is_typed = getattr(person, "_password", None) is not None
    is_rehash = set(update_fields or ()) == {"password"} and not is_typed
    return before is not None and before.password != person.password and not is_rehash


def setter_of_password(person: User) -> User | None:
    """Who sets the person's password in the current web request, if it is somebody else."""
    setter = acting_person() if person.has_usable_password() else None
    return None if setter is None or setter.pk == person.pk else setter


def _record_facts(before: User, now: User) -> None:
    changed = {
        fact: f"{getattr(before, fact)} → {getattr(now, fact)}"
        for fact in _FACTS
        if getattr(before, fact) != getattr(now, fact)
    }
    if changed:
        _record(ActionCode.PERSON_CHANGED, subject=now.get_username(), details=changed)


def _record_rights(before: User, now: User) -> None:
    name = now.get_username()
    if before.is_active != now.is_active:
        code = ActionCode.PERSON_LET_IN if now.is_active else ActionCode.PERSON_SHUT_OUT
        _record(code, subject=name)
    if before.is_superuser != now.is_superuser:
        code = ActionCode.ROLE_GIVEN if now.is_superuser else ActionCode.ROLE_TAKEN
        _record(code, subject=name, details={"role": "superuser"})


def _person_removed(instance: User, **_kwargs: Any) -> None:
    _record(ActionCode.PERSON_REMOVED, subject=instance.get_username())


def _rights_of(person: User) -> dict[str, str]:
    return {"role": "superuser"} if person.is_superuser else {}


_CODE_OF_CHANGE = {
    "post_add": ActionCode.ROLE_GIVEN,
    "post_remove": ActionCode.ROLE_TAKEN,
    "pre_clear": ActionCode.ROLE_TAKEN,
}


def _groups_changed(
    instance: User | Group, action: str, *, reverse: bool, pk_set: set[int] | None, **_kwargs: Any
) -> None:
    if action == "pre_clear":
        all_of_it = instance.groups if isinstance(instance, User) else instance.user_set
        pk_set = set(all_of_it.values_list("pk", flat=True))
    code = _CODE_OF_CHANGE.get(action)
    if code is None or not pk_set:
        return
    others = (User if reverse else Group).objects.filter(pk__in=pk_set)
    for other in others.order_by("pk"):
        person, group = (other, instance) if reverse else (instance, other)
        person.__dict__.pop("_standing", None)
        _record(code, subject=str(person), details={"role": str(group)})


def _permissions_changed(
    instance: User | Group | Permission,
    action: str,
    *,
    model: type[Model],
    pk_set: set[int] | None,
    **_kwargs: Any,
) -> None:
    """Single rights, such as rolling volumes back, of a person or of all in a group."""
    if action == "pre_clear":
        pk_set = _all_beside(instance, model)
    code = _CODE_OF_CHANGE.get(action)
    if code is None or not pk_set:
        return
    for other in model._default_manager.filter(pk__in=pk_set).order_by("pk"):
        holder, right = (other, instance) if isinstance(instance, Permission) else (instance, other)
        _record(code, subject=str(holder), details={"right": getattr(right, "codename", "")})


def _all_beside(instance: User | Group | Permission, model: type[Model]) -> set[int]:
    if isinstance(instance, Permission):
        holders = instance.user_set if model is User else instance.group_set
        return set(holders.values_list("pk", flat=True))
    rights = instance.user_permissions if isinstance(instance, User) else instance.permissions
    return set(rights.values_list("pk", flat=True))


# --- groups ----------------------------------------------------------------------------------


def _group_saved(instance: Group, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """A team that takes the name of a role is that role, so names matter."""
    if raw:
        return
    before: Group | None = row_before(instance)
    if created:
        _record(ActionCode.GROUP_ADDED, subject=instance.name)
    elif before is not None and before.name != instance.name:
        details = {"name": f"{before.name} → {instance.name}", "people": _people_in(instance)}
        _record(ActionCode.GROUP_RENAMED, subject=instance.name, details=details)


def _group_removed(instance: Group, **_kwargs: Any) -> None:
    """Django sends no signal for each member who loses the group, so this action names them all."""
    details = {"people": _people_in(instance)}
    _record(ActionCode.GROUP_REMOVED, subject=instance.name, details=details)


def _people_in(group: Group) -> str:
    names = group.user_set.order_by("username").values_list("username", flat=True)
    return ", ".join(names) or "nobody"


# --- volumes ---------------------------------------------------------------------------------


def _grant_saved(instance: VolumeGrant, *, raw: bool = False, **_kwargs: Any) -> None:
    """A changed grant is recorded as taken from its old holder and given to its new holder; one
    that ends now as taken alone, and one whose end was put off after it had ended as given.
    """
    if raw:
        return
    before: VolumeGrant | None = row_before(instance)
    if before is not None and _facts_of(before) == _facts_of(instance):
        return
    if before is not None and not before.has_ended():
        _record_grant(ActionCode.GRANT_TAKEN, before)
    if not instance.has_ended():
        _record_grant(ActionCode.GRANT_GIVEN, instance)


def _facts_of(grant: VolumeGrant) -> tuple[object, ...]:
    holder = grant.user_id, grant.group_id
    covered = grant.cloud, grant.scope, grant.volume_id, grant.conditions
    return *holder, *covered, grant.until


def _grant_removed(instance: VolumeGrant, **_kwargs: Any) -> None:
    _record_grant(ActionCode.GRANT_TAKEN, instance)


def _record_grant(code: ActionCode, grant: VolumeGrant) -> None:
    _record(
        code,
        subject=str(grant.user or grant.group),
        cloud=grant.cloud,
        target=Target(TargetKind.VOLUME, grant.volume_id, "") if grant.volume_id else None,
        details=_details_of(grant),
    )


def _details_of(grant: VolumeGrant) -> dict[str, str]:
    until = {"until": grant.until.isoformat()} if grant.until else {}
    if grant.scope == GrantScope.CLOUD:
        return {"volumes": "every volume of the cloud"} | until
    rule = {name.replace("_", " "): text for name, text in grant.conditions.items()}
    return ({"volumes": "those that match"} | rule if rule else {}) | until
