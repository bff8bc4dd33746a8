"""The list of somebody's sessions."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.models import OpenSession
from snapshots.sign_in.browsers import shown_words
from snapshots.templatetags.cells import tag
from snapshots.templatetags.table import Column, Table, context_of
from snapshots.templatetags.times import exact, moment

register = template.Library()


def _device(opened: OpenSession, *, this: str) -> SafeString:
    mark = tag(_("this one")) if opened.pk == this else ""
    return format_html('<span class="strong">{}</span> {}', shown_words(opened.device), mark)


def _end(opened: OpenSession, *, this: str) -> SafeString:
    """The button of a form beside the table: `form_id` of `sessions_table`."""
    if opened.pk == this:
        return SafeString()
    return format_html(
        '<button class="button button--small" form="end-sessions" name="end" value="{}">{}'
        '<span class="unseen"> {}</span></button>',
        opened.pk,
        _("End"),
        _("the session of {device}, {address}, signed in {at}").format(
            device=shown_words(opened.device), address=opened.address, at=exact(opened.signed_in_at)
        ),
    )


@register.inclusion_tag("_table.html")
def sessions_table(sessions: Sequence[OpenSession], this: str) -> dict[str, Table[Any]]:
    """A person's sessions. A button of the form `end-sessions` ends each of them but `this`: the
    digest of the session that shows the page.
    """
    columns: tuple[Column[OpenSession], ...] = (
        Column(gettext_lazy("Device"), partial(_device, this=this)),
        Column(gettext_lazy("Address"), lambda opened: opened.address or _("not known")),
        Column(gettext_lazy("Signed in"), lambda opened: moment(opened.signed_in_at)),
        Column(gettext_lazy("Last use"), lambda opened: moment(opened.used_at)),
        Column(
            gettext_lazy("Action"), partial(_end, this=this), css="cards__action", is_action=True
        ),
    )
    return context_of(Table(gettext_lazy("Open sessions, the last used first"), columns, sessions))
