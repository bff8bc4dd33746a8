"""What a snapshot is called unless the person says otherwise: by a template of the settings."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from string import Formatter

from django.conf import settings

from snapshots import clouds
from snapshots.evs.limits import PROFILES, LimitsProfile, clean_name, utf8_length
from snapshots.models import Volume

PLACES = frozenset({"volume", "ticket", "person", "date", "time"})
MOST_OF_VOLUME = 48  # characters of its name
_BETWEEN = " -_."


def template_problem(template: str) -> str:
    """Why a template cannot be used, in English; blank: it can."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return str(error)
    for _literal, place, form, conversion in parts:
        if place is not None and (place not in PLACES or form or conversion):
            return (
                f"{{{place}}} is not one of {', '.join(f'{{{name}}}' for name in sorted(PLACES))}"
            )
    return "" if any(place for _, place, _, _ in parts) else "it has no place that is filled"


def suggested_name(
    volume: Volume, *, now: datetime, zone: tzinfo = UTC, ticket: str = "", person: str = ""
) -> str:
    """A name that keeps every limit, by EVSPORTAL_NAME_TEMPLATE; it says the zone of its time."""
    moment = now.astimezone(zone)
    values = {
        "volume": (volume.name or f"volume-{volume.volume_id[:8]}")[:MOST_OF_VOLUME],
        "ticket": ticket.strip(),
        "person": person,
        "date": f"{moment:%Y%m%d}",
        "time": f"{moment:%H%M}" + (f"{moment:%z}" if moment.utcoffset() else "Z"),
    }
    profile = PROFILES[clouds.profile_name(volume.cloud)]
    while _is_too_long(_filled(values), profile) and values["volume"]:
        values["volume"] = _without_last_letter(values["volume"])
    name, problems = clean_name(
        _filled(values),
        profile=profile,
        reserved_prefixes=settings.EVSPORTAL_RESERVED_PREFIXES,
        refuse_astral=settings.EVSPORTAL_REFUSE_ASTRAL,
    )
    return f"snapshot-{values['date']}-{values['time']}" if problems or name is None else name


def _filled(values: Mapping[str, str]) -> str:
    """A place without a value takes the separator before it away."""
    text = ""
    for literal, place, _form, _conversion in Formatter().parse(settings.EVSPORTAL_NAME_TEMPLATE):
        text += literal
        if place is not None:
            text = text + values[place] if values[place] else text.rstrip(_BETWEEN)
    return text.strip(_BETWEEN)


def _is_too_long(name: str, profile: LimitsProfile) -> bool:
    return utf8_length(name) > profile.name_bytes or len(name) > (profile.name_chars or len(name))


def _without_last_letter(text: str) -> str:
    """A letter goes together with its marks."""
    end = len(text) - 1
    while end > 0 and unicodedata.combining(text[end]):
        end -= 1
    return text[:end]
