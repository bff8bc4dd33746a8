"""The list of records of the audit trail."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import Action, Anomaly, Exchange
from snapshots.templatetags.cells import for_somebody
from snapshots.templatetags.records import seen, url_path, what
from snapshots.templatetags.states import answer_badge
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import clock

register = template.Library()
Record = Exchange | Action | Anomaly


def _time(record: Record, *, trail: str) -> SafeString:
    return format_html(
        '<a class="row__link" href="{}{}/">{}</a>', trail, record.id, clock(record.at)
    )


def _actor(record: Record) -> str:
    if isinstance(record, Anomaly):
        return _("portal")
    return format_html("<bdi>{}</bdi>{}", record.actor_name, for_somebody(record.on_behalf_of))


def _what(record: Record) -> str:
    if isinstance(record, Anomaly):
        badge = format_html('<span class="badge badge--bad">{}</span>', _("Anomaly"))
        below = format_html('<span class="quiet long">{}</span>', seen(record))
        return format_html("{} {}<br>{}", badge, what(record), below)
    target = _target(record)
    if not target:
        return what(record)
    below = format_html('<span class="quiet long"><bdi>{}</bdi></span>', target)
    return format_html("{}<br>{}", what(record), below)


def _target(record: Exchange | Action) -> str:
    """What it was done to."""
    if isinstance(record, Exchange) or record.operation_id or record.target_id:
        return record.target_name or record.target_id
    if record.subject and record.subject != record.actor_name:
        return record.subject
    return record.cloud


# --- only exchanges have more: of other records, What goes on over these columns -----------------


def _request(record: Record) -> str | None:
    if not isinstance(record, Exchange):
        return None
    path = url_path(record.url)
    return format_html('<code class="path"><b>{}</b> {}</code>', record.method, path)


def _answer(record: Record) -> str | None:
    return answer_badge(record) if isinstance(record, Exchange) else None


def _time_taken(record: Record) -> str | None:
    if not isinstance(record, Exchange):
        return None
    answer = getattr(record, "answer", None)
    return f"{answer.elapsed_ms} ms" if answer else ""


def _request_id(record: Record) -> str | None:
    if not isinstance(record, Exchange):
        return None
    answer = getattr(record, "answer", None)
    return format_html('<code class="path">{}</code>', answer.request_id if answer else "")


# After the time, whose link needs the address of the trail.
_COLUMNS: tuple[Column[Record], ...] = (
    Column(gettext_lazy("Actor"), _actor),
    Column(gettext_lazy("What"), _what),
    Column(gettext_lazy("Request"), _request),
    Column(gettext_lazy("Answer"), _answer, css="audit__answer"),
    Column(gettext_lazy("Time taken"), _time_taken, css="number"),
    Column(gettext_lazy("Request id"), _request_id),
)


@register.inclusion_tag("_table.html")
def records_table(records: Sequence[Record], caption: str) -> dict[str, Table[Any]]:
    """Exchanges, actions and anomalies, in the order given."""
    link = partial(_time, trail=reverse("snapshots:audit"))  # looked up once, not in each row
    columns = (Column(gettext_lazy("Time"), link, css="audit__time"), *_COLUMNS)
    return context_of(
        Table(caption, columns, records, css="cards audit", row_css=lambda _row: "row--linked")
    )
