"""Answers to open pages that ask whether anything has changed.

Mostly the middleware `unchanged` answers, before a session or a person is looked up. What comes
here is written in full, and only what differs from the page is sent.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from snapshots.middleware import VERSION, question_of
from snapshots.selectors.unchanged import basis_of, remember
from snapshots.sign_in.sessions import digest_of as session_digest
from snapshots.templatetags.live import Live, order_digest
from snapshots.views.access import PortalRequest

HAVE = "X-Have"  # the digests of the parts that the page has


def live_answer(
    request: PortalRequest,
    template: str,
    topics: Sequence[str],
    context_of: Callable[[], dict[str, Any]],
) -> HttpResponse:
    """What has changed, or 204. To somebody who names no version, the whole fragment.

    `context_of` has the page's `Live` as `live`. It is called after the topics' numbers were read,
    and those of the rights were before the person was: what changes in between is asked for once
    more, and never missed.
    """
    session: Any = request.session
    rights = getattr(request, "rights_before", None)  # of a question by a page
    basis = basis_of(
        topics,
        rights or {},
        session=session_digest(session.session_key or ""),
        session_data=session.stored_data,
    )
    context = context_of()
    live: Live = context["live"]
    fragment = render_to_string(template, context | {"alone": True}, request)
    if rights is not None:
        remember(question_of(request), live.version, basis, is_open=live.pace.is_open)
    version = request.headers.get(VERSION)
    if version is None:
        return HttpResponse(fragment)
    if version == live.version:
        return HttpResponse(status=204)
    return HttpResponse(_changes(live, set(request.headers.get(HAVE, "").split())))


def _changes(live: Live, have: set[str]) -> str:
    """The parts that the page has not, each in a `template` element, which takes rows too."""
    changed_at = live.pace.changed_at.isoformat() if live.pace.changed_at else ""
    pieces = [
        format_html(
            '<template data-version="{}" data-changed="{}"{}></template>',
            live.version,
            changed_at,
            SafeString(" data-soon" if live.pace.is_soon else ""),
        )
    ]
    if live.shape not in have:
        pieces.append(format_html("<template data-root>{}</template>", SafeString(live.root)))
    pieces += [
        format_html("<template>{}</template>", part)
        for name, part in live.parts.items()
        if live.digests[name] not in have
    ]
    pieces += [
        format_html(
            '<template data-list="{}" data-order="{}">{}</template>',
            name,
            order_digest(name, rows),
            " ".join(rows),
        )
        for name, rows in live.orders.items()
        if order_digest(name, rows) not in have
    ]
    return "\n".join(pieces)
