"""Three sentences for people who are new here, by what they may do."""

from collections.abc import Mapping, Sequence

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from snapshots.models import Role, roles_of

register = template.Library()

_SENTENCES: Mapping[Role, Sequence[Promise]] = {
    Role.HELPDESK: (
        _(
            "You may take a snapshot of any disk (volume): give the ticket and for whom it is, so "
            "that both stand in the record."
        ),
        _("This page shows what runs, what needs a hand, and how the clouds are."),
        _(
            "What a cloud leaves unfinished for much longer than usual you may end on the "
            "request's page, after looking in the cloud."
        ),
    ),
    Role.ADMINISTRATOR: (
        _("Under Administration you say who there is, and which volumes each person may use."),
        _("This page shows whether the worker runs and the clouds answer."),
        _(
            "Where the portal cannot find out what became of a request, you may end it on its "
            "page, after looking in the cloud."
        ),
    ),
    Role.AUDITOR: (
        _("You see everything and change nothing."),
        _(
            "Under Audit is every request that left the portal, what came back, and what people "
            "did here, sealed so that a change would show."
        ),
        _("Its questions count what auditors ask again and again; every list can be exported."),
    ),
    Role.STAFF: (
        _("Choose one of your disks (volumes) below and press “Snapshot”."),
        _(
            "The portal asks the cloud for it and keeps looking until it is available, whether "
            "this page is open or not."
        ),
        _(
            "If something goes wrong, the request's page says what happened, whether anything was "
            "made, and who can help."
        ),
    ),
}


@register.filter
def new_here(user: object) -> Sequence[Promise]:
    """By the first of the person's roles in that order; nothing for somebody without any."""
    roles = roles_of(user)  # type: ignore[arg-type]
    return next((texts for role, texts in _SENTENCES.items() if role in roles), ())
