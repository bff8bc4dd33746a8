"""Tells people that somebody else changed their address, at the one of before: links to choose a
password go to the new one, so whoever changed it could come in by one.
"""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import post_save

from snapshots.audit.record.actions import acting_person
from snapshots.audit.record.people import row_before
from snapshots.sign_in.mail import tell_of_new_address


def watch() -> None:
    """Twice does no harm. After `audit.record.people.watch`, which reads the row of before."""
    post_save.connect(_tell, sender=User, dispatch_uid="new addresses")


def _tell(instance: User, *, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    before: User | None = None if created or raw else row_before(instance)
    changer = acting_person()
    if before is None or changer is None or changer.pk == instance.pk:
        return
    if before.email != instance.email:
        tell_of_new_address(before, changer.get_username())
