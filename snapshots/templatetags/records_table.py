"""The list of records of the audit trail: a line each, under the day."""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import Action, Anomaly, Exchange
from snapshots.templatetags.cells import one_line
from snapshots.templatetags.lines import Repeated, content_of
from snapshots.templatetags.records import actor_of, is_forced, seen, what
from snapshots.templatetags.sizes import brief
from snapshots.templatetags.states import answer_badge
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import answered_in, day, time_of_day

register = template.Library()
Record = Exchange | Action | Anomaly


def _what(record: Record, *, trail: str) -> SafeString:
    link = format_html(
        '<a class="row__link one-line" href="{}{}/">{}</a>', trail, record.id, what(record)
    )
    if not isinstance(record, Anomaly):
        return link
    return format_html('<span class="badge badge--bad">{}</span> {}', _("Anomaly"), link)


def _object(record: Record) -> SafeString:
    """What it was done to; of an anomaly, what was seen, over all columns after this."""
    return one_line(seen(record) if isinstance(record, Anomaly) else _target(record))


def _target(record: Exchange | Action) -> str:
    if isinstance(record, Exchange) or record.operation_id or record.target_id:
        return record.target_name or record.target_id
    if record.subject and record.subject != record.actor_name:
        return record.subject
    return record.cloud


def _ticket(record: Record) -> SafeString | None:
    return None if isinstance(record, Anomaly) else one_line(record.ticket)


def _force(record: Record) -> SafeString | str | None:
    if isinstance(record, Anomaly):
        return None
    return format_html('<b class="force">{}</b>', _("force")) if is_forced(record) else ""


def _answer(record: Record) -> str | None:
    if isinstance(record, Anomaly):
        return None
    return answer_badge(record) if isinstance(record, Exchange) else ""


def _time_taken(record: Record) -> str | None:
    if isinstance(record, Anomaly):
        return None
    answer = getattr(record, "answer", None)
    return answered_in(answer.elapsed_ms) if answer else ""


def _request_id(record: Record) -> SafeString | str | None:
    if isinstance(record, Anomaly):
        return None
    answer = getattr(record, "answer", None)
    return brief(answer.request_id) if answer and answer.request_id else ""


def _columns(trail: str) -> tuple[Column[Record], ...]:
    """The address of the trail is looked up once, not in each row."""
    link = partial(_what, trail=trail)
    return (
        Column(gettext_lazy("Time"), lambda record: time_of_day(record.at), css="audit__time"),
        Column(gettext_lazy("Actor"), actor_of, css="audit__actor"),
        Column(gettext_lazy("What"), link, css="audit__what", is_row_head=True),
        Column(gettext_lazy("Object"), _object),
        Column(gettext_lazy("Ticket"), _ticket, css="audit__ticket"),
        Column(gettext_lazy("Force"), _force, css="audit__force"),
        Column(gettext_lazy("Answer"), _answer, css="audit__answer"),
        Column(gettext_lazy("Took"), _time_taken, css="audit__took number"),
        Column(gettext_lazy("Request id"), _request_id, css="audit__id"),
    )


def _content(record: Record) -> Hashable:
    """With what was answered."""
    return (type(record), content_of(record, getattr(record, "answer", None)))


@register.inclusion_tag("_table.html")
def records_table(records: Sequence[Record], caption: str) -> dict[str, Table[Any]]:
    """Exchanges, actions and anomalies, in the order given."""
    return context_of(
        Table(
            caption,
            _columns(reverse("snapshots:audit")),
            records,
            css="cards audit",
            group_of=lambda record: day(record.at),
            repeated=Repeated("records", _content),
        )
    )
