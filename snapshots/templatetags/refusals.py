"""The words for a cloud that refuses the portal's credentials, for every page. One place."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from snapshots.localized import between_sentences
from snapshots.models import CloudHealth
from snapshots.templatetags.times import clock

register = template.Library()


@register.filter
def refusal_for_everybody(health: CloudHealth) -> SafeString:
    """Until when nothing is sent to the cloud, what becomes of requests, and who can help."""
    return _sentences(
        health.retry_at,
        _("Until {time} nothing is sent to it, so that the account is not locked."),
        _("The portal signs in again now."),
        _("Requests are kept. The portal's administrators can help."),
    )


@register.filter
def refusal_for_requester(health: CloudHealth) -> SafeString:
    """Why one request waits. Nothing of it was sent."""
    return _sentences(
        health.retry_at,
        _(
            "Nothing was sent for this request: the cloud refuses the portal's sign-in, and until "
            "{time} the portal sends it nothing, so that the account is not locked."
        ),
        _(
            "Nothing was sent for this request: the cloud refuses the portal's sign-in. The portal "
            "signs in again now."
        ),
        _("You need not ask again: it is sent by itself when the cloud accepts the sign-in."),
        _(
            "The portal's administrators can help: they correct the cloud's credentials and reload "
            "the portal, which tries them at once."
        ),
    )


def _sentences(until: datetime | None, waiting: str, trying: str, *more: str) -> SafeString:
    if until is not None and until > timezone.now():
        before, _placeholder, after = waiting.partition("{time}")
        parts = [(before,), (clock(until),), (after,)]
    else:
        parts = [(trying,)]
    parts += [(between_sentences() + sentence,) for sentence in more]
    return format_html_join("", "{}", parts)
