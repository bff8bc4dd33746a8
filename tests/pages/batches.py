"""Choosing snapshots for a batch, and confirming it."""

from datetime import timedelta

from django.utils import timezone

from snapshots.models import Operation
from tests import factories

PAGE = "/snapshots/batch/"
OLD = timedelta(days=30)


def make(volume, count=1, **facts):
    facts = {"created_at": timezone.now() - OLD} | facts
    return [
        factories.foreign_snapshot(volume, **{"name": f"weekly-{number}"} | facts)
        for number in range(count)
    ]


def texts(rows):
    return [f"{row.cloud}/{row.snapshot_id}" for row in rows]


def choose(browser, rows, kind="delete", **fields):
    chosen = rows if not rows or isinstance(rows[0], str) else texts(rows)
    return browser.post(PAGE, {"kind": kind, "snapshot": chosen, **fields}, follow=True)


def confirmed(page, **fields):
    """What the form on this page posts."""
    selection = page.context["selection"]
    return {
        "key": str(page.context["key"]),
        "kind": page.context["kind"],
        "snapshot": [choice.text for choice in selection.choices],
        "seen": [choice.text_and_state for choice in selection.confirmed],
        **fields,
    }


def confirm(browser, page, **fields):
    return browser.post(PAGE, confirmed(page, **fields), follow=True)


def asked():
    return list(Operation.objects.filter(batch__isnull=False).order_by("asked_at"))
