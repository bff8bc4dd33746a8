"""The words of the auditors' questions that differ between requests and snapshots."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from snapshots.questions.rules import SNAPSHOTS, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectTexts:
    """What the pages say of what a question finds."""

    head: Promise  # of a column
    in_a_week: Promise  # of a plot
    none_in_weeks: Promise
    no_match: Promise
    no_match_in_period: Promise


_OF_REQUESTS = SubjectTexts(
    head=_("Requests"),
    in_a_week=_("Requests a week"),
    none_in_weeks=_("No requests in 26 weeks"),
    no_match=_("No request matches."),
    no_match_in_period=_("No request of this period matches."),
)
_OF_SNAPSHOTS = SubjectTexts(
    head=_("Snapshots"),
    in_a_week=_("Snapshots a week"),
    none_in_weeks=_("No snapshots in 26 weeks"),
    no_match=_("No snapshot matches."),
    no_match_in_period=_("No snapshot of this period matches."),
)


def texts_of(subject: Subject) -> SubjectTexts:
    return _OF_SNAPSHOTS if subject is SNAPSHOTS else _OF_REQUESTS


def rows_in_words(subject: Subject, count: int, *, text: str, in_period: bool) -> str:
    """`text`: the count as the pages write it, such as `10,000+`."""
    if subject is SNAPSHOTS and in_period:
        form = ngettext(
            "{count} snapshot in this period, newest first",
            "{count} snapshots in this period, newest first",
            count,
        )
    elif subject is SNAPSHOTS:
        form = ngettext("{count} snapshot, newest first", "{count} snapshots, newest first", count)
    elif in_period:
        form = ngettext(
            "{count} request in this period, newest first",
            "{count} requests in this period, newest first",
            count,
        )
    else:
        form = ngettext("{count} request, newest first", "{count} requests, newest first", count)
    return form.format(count=text)
