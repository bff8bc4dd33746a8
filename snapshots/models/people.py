"""Who a person is to the portal: roles are groups, and a person may have several."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db import models
from django.db.models import Value
from django.utils.translation import gettext_lazy as _

from snapshots.database.compiled import Compiled

type_of_user = User | AbstractBaseUser | AnonymousUser


class Role(models.TextChoices):
    STAFF = "staff", _("Staff")
    HELPDESK = "helpdesk", _("Helpdesk")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is by their groups, and by permissions of these and of their own."""

    roles: frozenset[Role] = frozenset()
    permissions: frozenset[str] = frozenset()  # as "app.codename"


def standing_of(user: type_of_user) -> Standing:
    """One query, kept as long as the user. Nobody is anything who is shut out; a superuser is an
    administrator and nothing more.
    """
    if not isinstance(user, User) or not user.is_active:
        return Standing()
    standing: Standing | None = getattr(user, "_standing", None)
    if standing is None:
        standing = _standing(user)
        user._standing = standing  # type: ignore[attr-defined]  # noqa: SLF001 - lives as long as the user
    return standing


def _standing(user: User) -> Standing:
    rows = _GROUPS.rows(user.pk)
    names = {name for name, _app, _codename in rows}
    if user.is_superuser:
        names.add(Role.ADMINISTRATOR)
        rows = []  # Django gives superusers every permission; here they are administrators alone
    return Standing(
        roles=frozenset(role for role in Role if role in names),
        permissions=frozenset(f"{app}.{codename}" for _name, app, codename in rows if codename),
    )


def _groups_and_permissions(key: int) -> models.QuerySet[Any, Any]:
    """Of a person: each group with each of its permissions, and without a group their own."""
    permission = ("content_type__app_label", "codename")
    by_groups = (f"permissions__{name}" for name in permission)
    groups = Group.objects.filter(user=key).order_by().values_list("name", *by_groups)
    own = Permission.objects.filter(user=key).order_by()
    return groups.union(own.values_list(Value("", models.CharField()), *permission))


_GROUPS = Compiled(_groups_and_permissions)


def roles_of(user: type_of_user) -> frozenset[Role]:
    return standing_of(user).roles
