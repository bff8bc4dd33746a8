"""When the portal may sign in to a cloud: agreed on by all processes, remembered over restarts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from snapshots.clock import is_to_come
from snapshots.database.transactions import in_transaction, lock_in_order

PAUSES_AFTER_REFUSAL = (timedelta(minutes=1), timedelta(minutes=10))
KEPT_FOR = timedelta(days=30)  # after the last try: the clouds' own locks last hours at most


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPermit:
    """Whether the caller may sign in now; else when to ask again, and whether a refusal is why."""

    until: datetime
    is_granted: bool = False
    refused: bool = False


class SignInAttempt(models.Model):
    """The last sign-in with one set of credentials, a brake and a lock for the next.

    Repeated wrong passwords lock an account. So a refused sign-in is not repeated for a minute,
    from the second refusal in a row on for ten; and one process signs in at a time. The row belongs
    to the credentials, not to the cloud: corrected ones have no row, and are tried at once. Going
    back to refused ones finds their row again.
    """

    # A digest keyed with SECRET_KEY, so that nobody can test guessed passwords against it.
    credentials = models.CharField(max_length=64, primary_key=True)
    cloud = models.CharField(max_length=80)
    locked_until = models.DateTimeField(null=True, blank=True)  # a process signs in; a lease
    retry_at = models.DateTimeField(null=True, blank=True)  # refused: not before
    refusals = models.PositiveIntegerField(default=0)  # in a row
    tried_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.cloud

    @classmethod
    def begin(cls, credentials: str, *, cloud: str, longest: timedelta) -> SignInPermit:
        """Lock the sign-in for as long as it can take, unless it is locked or braked."""

        def lock() -> SignInPermit:
            new = {"cloud": cloud, "tried_at": timezone.now()}
            cls.objects.get_or_create(credentials=credentials, defaults=new)
            attempt = cls.objects.select_for_update(no_key=True).get(credentials=credentials)
            now = timezone.now()  # after the wait for the row: not before another process's time
            most = max(longest, *PAUSES_AFTER_REFUSAL)
            if is_to_come(attempt.retry_at, now=now, ahead=most):
                return SignInPermit(until=attempt.retry_at or now, refused=True)
            if is_to_come(attempt.locked_until, now=now, ahead=most):
                return SignInPermit(until=attempt.locked_until or now)
            attempt.cloud, attempt.tried_at, attempt.locked_until = cloud, now, now + longest
            attempt.save(update_fields=["cloud", "tried_at", "locked_until"])
            return SignInPermit(until=now + longest, is_granted=True)

        return in_transaction(lock)

    @classmethod
    def end(
        cls, credentials: str, permit: SignInPermit, *, succeeded: bool, refused: bool
    ) -> datetime | None:
        """Unlock the sign-in, or brake it when the cloud refused; until when it is braked.

        A lock that has passed to another process stays locked.
        """

        def unlock() -> datetime | None:
            attempt = cls.objects.select_for_update(no_key=True).get(credentials=credentials)
            now = timezone.now()
            if refused:
                attempt.refusals += 1
                attempt.retry_at = now + PAUSES_AFTER_REFUSAL[attempt.refusals > 1]
                attempt.locked_until = None
            elif attempt.locked_until == permit.until:
                attempt.locked_until = None
                if succeeded:
                    attempt.refusals, attempt.retry_at = 0, None
            attempt.save(update_fields=["locked_until", "refusals", "retry_at"])
            return attempt.retry_at if refused else None

        return in_transaction(unlock)

    @classmethod
    def prune(cls) -> None:
        """Forget credentials that were not tried for long; never those of a sign-in in hand."""
        now = timezone.now()
        unlocked = Q(locked_until=None) | Q(locked_until__lt=now)
        stale = cls.objects.filter(unlocked, tried_at__lt=now - KEPT_FOR)
        in_transaction(
            lambda: cls.objects.filter(pk__in=lock_in_order(stale, skip_locked=True)).delete()
        )
