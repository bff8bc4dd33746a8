"""People, as administrators see them."""

from django.contrib.auth.models import User
from django.db.models import QuerySet


def people_for(administrator: User) -> QuerySet[User]:
    """Those whom the administrator may see: superusers only for a superuser."""
    people = User.objects.all()
    return people if administrator.is_superuser else people.filter(is_superuser=False)
