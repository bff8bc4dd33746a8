"""Rows that a worker may claim: the only queue there is."""

from django.db import models


class Claimable(models.Model):
    """Work with a due time. A claim raises `token`; every later write must still name that token.

    A worker that was frozen past its lease, and whose row was claimed by another, finds its own
    writes refused: so two workers never write one row.
    """

    due_at = models.DateTimeField(null=True, blank=True)  # null: nothing to do by itself
    token = models.PositiveIntegerField(default=0)  # how often it was claimed
    owner = models.CharField(max_length=80, blank=True)  # which worker holds it, for people
    fails = models.PositiveIntegerField(default=0)  # in a row, for growing pauses

    class Meta:
        abstract = True


class Duty(Claimable):
    """Something done again and again: watching a cloud, reading its volumes."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    cloud = models.CharField(max_length=80, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True)  # its pace: not started sooner
    trouble_code = models.CharField(
        max_length=80, blank=True
    )  # of the last run; empty: it went well

    class Meta:
        verbose_name_plural = "duties"
        indexes = [models.Index(fields=["due_at"], name="duty_due")]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """A worker process that says each second that it lives."""

    name = models.CharField(max_length=80, primary_key=True)
    process = models.CharField(max_length=160, blank=True)  # which of its machine: jobs/workers.py
    beats = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="worker_seen")]

    def __str__(self) -> str:
        return self.name
