"""Who may sign in to a cloud, and when: agreed on by all processes, remembered over restarts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils import timezone

PAUSES_AFTER_REFUSAL = (timedelta(minutes=1), timedelta(minutes=10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whether one may sign in now; else when to ask again, and whether a refusal is why."""

    until: datetime
    is_mine: bool = False
    refused: bool = False


class SignIn(models.Model):
    """A cloud's door: one process signs in at a time, and after a refusal nobody for a minute, then
    for ten, since repeated wrong passwords lock the account.
    """

    cloud = models.CharField(max_length=80, primary_key=True)
    closed_until = models.DateTimeField(null=True, blank=True)
    busy = models.BooleanField(default=False)  # somebody is signing in, until then at the longest
    refusals = models.PositiveIntegerField(default=0)  # in a row

    def __str__(self) -> str:
        return self.cloud

    @classmethod
    def take_turn(cls, cloud: str, *, longest: timedelta) -> Turn:
        """Close the door behind us for as long as a sign-in can take, unless it is closed."""
        now = timezone.now()
        with transaction.atomic():
            cls.objects.get_or_create(cloud=cloud)
            door = cls.objects.select_for_update().get(cloud=cloud)
            # Further ahead than any pause: the clock was set back since, and the time says nothing.
            furthest = now + max(longest, *PAUSES_AFTER_REFUSAL)
            if door.closed_until and now < door.closed_until <= furthest:
                return Turn(until=door.closed_until, refused=not door.busy)
            door.closed_until, door.busy = now + longest, True
            door.save(update_fields=["closed_until", "busy"])
            return Turn(until=door.closed_until, is_mine=True)

    @classmethod
    def end_turn(cls, cloud: str, turn: Turn, *, succeeded: bool, refused: bool) -> None:
        """Open the door again, unless the cloud refused us, or the turn has passed to another."""
        with transaction.atomic():
            door = cls.objects.select_for_update().get(cloud=cloud)
            if refused:
                door.refusals += 1
                pause = PAUSES_AFTER_REFUSAL[door.refusals > 1]
                door.closed_until, door.busy = timezone.now() + pause, False
            elif door.busy and door.closed_until == turn.until:
                door.closed_until, door.busy = None, False
                door.refusals = 0 if succeeded else door.refusals
            door.save(update_fields=["closed_until", "busy", "refusals"])
