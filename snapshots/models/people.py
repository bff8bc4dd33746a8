"""Who a person is to the portal: roles are groups, and a person may have several."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models

type_of_user = User | AbstractBaseUser | AnonymousUser


class Role(models.TextChoices):
    STAFF = "staff", "Staff"
    HELPDESK = "helpdesk", "Helpdesk"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"


def roles_of(user: type_of_user) -> frozenset[Role]:
    """The roles of a person; a superuser is an administrator and nothing more. One query, kept."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    roles: frozenset[Role] | None = getattr(user, "_roles", None)
    if roles is None:
        names = set(user.groups.values_list("name", flat=True))
        if user.is_superuser:
            names.add(Role.ADMINISTRATOR)
        roles = frozenset(role for role in Role if role in names)
        user._roles = roles  # type: ignore[attr-defined]  # noqa: SLF001 - lives as long as the user
    return roles
