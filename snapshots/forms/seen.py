"""What a form's page showed, kept in the form, and what has changed since."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from snapshots.evs.limits import PORTAL_KEY, SYSTEM_KEY_PREFIX
from snapshots.models import Snapshot
from snapshots.models.directions import isolated

Facts = Mapping[str, str]

NAME, DESCRIPTION, STATUS = "name", "description", "status"
VOLUME_NAME, VOLUME_STATUS = "volume name", "volume status"
METADATA = "metadata "  # followed by the key
LABELS = {
    NAME: gettext_noop("Name"),
    DESCRIPTION: gettext_noop("Description"),
    STATUS: gettext_noop("Status"),
    VOLUME_NAME: gettext_noop("Name of the volume"),
    VOLUME_STATUS: gettext_noop("Status of the volume"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is not as the page showed it. None: there is no such thing."""

    label: str
    before: str | None
    now: str | None
    typed: str | None


def facts_of(snapshot: Snapshot) -> dict[str, str]:
    """What people see of a snapshot and may change."""
    entries = {f"{METADATA}{key}": text for key, text in editable(snapshot).items()}
    return {NAME: snapshot.name, DESCRIPTION: snapshot.description, **entries}


def editable(snapshot: Snapshot) -> dict[str, str]:
    """The entries of its metadata that people may change."""
    return {
        key: text
        for key, text in sorted(snapshot.metadata.items())
        if key != PORTAL_KEY and not key.startswith(SYSTEM_KEY_PREFIX)
    }


def entries_in(facts: Facts) -> dict[str, str]:
    """The metadata among the facts."""
    return {
        name.removeprefix(METADATA): text
        for name, text in facts.items()
        if name.startswith(METADATA)
    }


def written(facts: Facts) -> str:
    """For a hidden field."""
    return json.dumps(facts, sort_keys=True)


def read(text: str) -> dict[str, str] | None:
    """What `written` wrote; None for anything else."""
    try:
        facts = json.loads(text)
        json.dumps(facts, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    is_readable = isinstance(facts, dict) and all(isinstance(fact, str) for fact in facts.values())
    return facts if is_readable else None


def digest_of(facts: Facts) -> str:
    """Short enough for a hundred of them in one form."""
    return hashlib.sha256(written(facts).encode()).hexdigest()[:16]


def differences(before: Facts, now: Facts, typed: Facts) -> list[Difference]:
    """All facts that have changed, with what was typed for them."""
    names = sorted(before.keys() | now.keys(), key=lambda name: (name.startswith(METADATA), name))
    return [
        Difference(_label(name), before.get(name), now.get(name), typed.get(name))
        for name in names
        if before.get(name) != now.get(name)
    ]


def _label(name: str) -> str:
    if name.startswith(METADATA):
        return _("Metadata {key}").format(key=isolated(name.removeprefix(METADATA)))
    return _(LABELS.get(name, name))


def as_typed(text: str) -> str:
    """As a field of one line posts it: browsers leave line breaks out."""
    return text.replace("\r", "").replace("\n", "")
