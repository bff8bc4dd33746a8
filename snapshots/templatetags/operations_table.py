"""The list of operations, and of those that match a saved question."""

import uuid
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from snapshots.localized import comma
from snapshots.models import Operation, OperationKind, Snapshot
from snapshots.operations.kinds import kind_of
from snapshots.templatetags.cells import for_somebody, long_text, quiet, tag
from snapshots.templatetags.lines import Repeated, content_of
from snapshots.templatetags.live import Live, live_in
from snapshots.templatetags.sizes import short
from snapshots.templatetags.states import against_usual, badge, news
from snapshots.templatetags.table import Column, LiveRows, Sorting, Table, context_of, sortable
from snapshots.templatetags.times import clock, lasted, moment, so_far_since

register = template.Library()


class HasOperation(Protocol):
    """A row about an operation."""

    @property
    def operation(self) -> Operation: ...


class Line(HasOperation, Protocol):
    """Of the list: with how long such a thing usually takes, while it is unfinished."""

    @property
    def usual_seconds(self) -> float | None: ...


def operation_link(operation: Operation) -> SafeString:
    name = operation.subject_name
    name = long_text(name) if name else _unnamed(operation)
    return format_html(
        '<a class="row__link" id="to-{}" href="{}">{}</a>',
        operation.pk,
        _address(operation.pk),
        name,
    )


@lru_cache(maxsize=10_000)
def _address(key: uuid.UUID) -> str:
    return reverse("snapshots:detail", args=[key])


def _unnamed(operation: Operation) -> SafeString:
    return format_html("{} <code>{}</code>", _("unnamed"), short(operation.pk))


def _name_and_ticket(line: Line) -> SafeString:
    operation = line.operation
    link = operation_link(operation)
    if operation.kind != OperationKind.CREATE:
        link = format_html("{} {}", link, quiet(str(kind_of(operation).texts.title)))
    return format_html('<span class="beside">{} {}</span>', link, tag(operation.ticket))


def _volume(row: HasOperation) -> SafeString:
    return long_text(row.operation.volume_name or row.operation.volume_id)


def _state(row: HasOperation) -> SafeString:
    return badge(row.operation)


def _asked_ago(line: Line) -> str:
    return moment(line.operation.asked_at)


def _took(line: Line) -> str:
    operation = line.operation
    if operation.is_final:
        return lasted(operation.elapsed)
    so_far = so_far_since(operation.asked_at)
    if not line.usual_seconds:
        return quiet(so_far)
    usual = against_usual(operation, line.usual_seconds)
    return quiet(format_html("{}{}{}", so_far, comma(), usual) if usual else so_far)


def _requester(row: HasOperation) -> SafeString:
    operation = row.operation
    return format_html(
        "<bdi>{}</bdi>{}", operation.requester_name, for_somebody(operation.on_behalf_of)
    )


_REQUESTER: Column[HasOperation] = Column(
    gettext_lazy("Requester"), _requester, css="cards__who", sort="requester"
)
_COLUMNS: tuple[Column[Line], ...] = (
    Column(gettext_lazy("Request"), _name_and_ticket),
    Column(gettext_lazy("Volume"), _volume, sort="volume"),
    Column(gettext_lazy("State"), _state),
    Column(pgettext_lazy("a time", "Asked"), _asked_ago, sort="-asked"),
    Column(gettext_lazy("Took"), _took, css="number"),
)


@register.inclusion_tag("_table.html", takes_context=True)
def operations_table(
    context: Context,
    lines: Sequence[Line],
    sees_all: bool,  # noqa: FBT001 - tags take arguments in order
    sorting: Sorting | None = None,
    name: str = "operation-rows",
) -> dict[str, Table[Any]]:
    """What was asked for; with the requesters for those who see everybody's. The
    `name` is the list's own in an open page. Without `sorting` it is newest first.
    """
    live = live_in(context)
    newest_first = gettext_lazy("What was asked for, newest first")
    columns: Sequence[Column[Any]] = (*_COLUMNS, _REQUESTER) if sees_all else _COLUMNS
    return context_of(
        Table(
            gettext_lazy("Requests") if sorting else newest_first,
            sortable(columns, sorting) if sorting else columns,
            lines,
            live_rows=live_operations(live, name),
            repeated=Repeated(("operations", sees_all), _content),
        )
    )


def _content(line: Line) -> Hashable | None:
    """Of a request that is open, and of a snapshot whose last reading is uncertain, the line says
    how much time has passed.
    """
    operation = line.operation
    made: Snapshot | None = getattr(operation, "snapshot", None)
    is_certain = made is None or made.is_confirmed
    if operation.finished_at is None or not operation.is_final or not is_certain:
        return None
    return content_of(operation, made)


def live_operations(
    live: Live | None, name: str = "operation-rows"
) -> LiveRows[HasOperation] | None:
    """Rows that follow their operations while the page is open."""
    if live is None:
        return None
    return LiveRows(
        live,
        name,
        row_name=lambda row: f"operation-{row.operation.pk}",
        row_news=lambda row: news(row.operation),
    )


# --- those that match a saved question --------------------------------------------------------


def _name(row: HasOperation) -> SafeString:
    return operation_link(row.operation)


def _asked_at(row: HasOperation) -> str:
    return clock(row.operation.asked_at)


def _ticket(row: HasOperation) -> SafeString:
    ticket = row.operation.ticket
    return long_text(ticket) if ticket else quiet(_("none"))


def _records(row: HasOperation) -> SafeString:
    operation = row.operation
    return format_html(
        '<a href="{}?q=operation:{}">{}<span class="unseen"> {}</span></a>',
        reverse("snapshots:audit"),
        operation.pk,
        _("Records"),
        _("of {id}").format(id=short(operation.pk)),
    )


_MATCHING_COLUMNS: tuple[Column[HasOperation], ...] = (
    Column(gettext_lazy("Request"), _name),
    Column(pgettext_lazy("a time", "Asked"), _asked_at),
    Column(gettext_lazy("Requester"), _requester),
    Column(gettext_lazy("Volume"), _volume),
    Column(gettext_lazy("Ticket"), _ticket),
    Column(gettext_lazy("State"), _state),
    Column(gettext_lazy("Trail"), _records),
)


class _Matching(NamedTuple):
    operation: Operation


@register.inclusion_tag("_table.html")
def matching_table(operations: Sequence[Operation]) -> dict[str, Table[Any]]:
    """The requests that match a saved question."""
    caption = gettext_lazy("Requests that match, newest first")
    rows = [_Matching(operation) for operation in operations]
    return context_of(Table(caption, _MATCHING_COLUMNS, rows))
