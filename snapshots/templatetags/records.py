"""How the pages write records of the audit trail."""

import re
from urllib.parse import urlsplit

from django import template
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from snapshots.audit.record.actions import PORTAL
from snapshots.models import Action, Anomaly, AnomalyKind, Exchange, purpose_label
from snapshots.operations.messages import action_label, anomaly_sentence
from snapshots.operations.refusals import reason_in
from snapshots.templatetags.cells import for_somebody

register = template.Library()


_ANOMALIES = dict(AnomalyKind.choices)


@register.filter
def table(record: Model) -> str:
    """Where the record stands: exchange, action or anomaly."""
    return str(record._meta.model_name)


@register.filter
def what(record: Exchange | Action | Anomaly) -> str:
    """What a record is about, in words. A list of them has no time for Django's own way."""
    if isinstance(record, Exchange):
        return purpose_label(record.purpose)
    if isinstance(record, Action):
        return action_label(record)
    return str(_ANOMALIES.get(record.kind, record.kind))


@register.simple_tag
def actor_of(record: Exchange | Action | Anomaly) -> SafeString | str:
    """Who did it. Only the worker calls clouds: for a person, or for nobody."""
    if isinstance(record, Anomaly):
        return _("portal")
    name = format_html("<bdi>{}</bdi>{}", record.actor_name, for_somebody(record.on_behalf_of))
    if isinstance(record, Action) or record.actor_name == PORTAL:
        return name
    return format_html(_("portal, for {name}"), name=name)


# In JSON, no quote stands bare in a text: such a key is a key.
_FORCED = re.compile(r'(?<!\\)"force"\s*:\s*true')


@register.filter
def is_forced(record: Exchange | Action | Anomaly) -> bool:
    """Whether a volume in use was to be snapshotted, by what was sent or asked."""
    if isinstance(record, Exchange):
        return bool(_FORCED.search(getattr(record, "body_start", "")))
    return isinstance(record, Action) and record.details.get("force") == "yes"


@register.filter
def detail_text(text: str, name: str) -> str:
    """A detail of an action: a reason is stored as a code where it is one of the portal's own."""
    return reason_in({"why": text}) if name == "why" else text


@register.filter
def seen(anomaly: Anomaly) -> str:
    """What was seen that should not be."""
    return anomaly_sentence(anomaly)


@register.simple_tag
def compared_value(text: str | None) -> SafeString:
    """What one side says of a field: nothing at all and a blank are two things."""
    if not text:
        return format_html('<span class="quiet">{}</span>', _("blank") if text == "" else "—")
    return format_html("<bdi>{}</bdi>", text)


_PROJECT_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


@register.filter
def url_path(url: str) -> str:
    """The address without scheme and host, which are the same for most, and with short ids."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path or url
    return _PROJECT_ID.sub(r"\1…", path)
