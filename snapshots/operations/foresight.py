"""What will become of a snapshot that is asked for now, told before it is asked: facts are gathered
into a frozen record, one pure function decides, one table has the words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from snapshots import clouds
from snapshots.localized import figure
from snapshots.models import Maker, OperationKind, Quota, Snapshot, Volume
from snapshots.selectors.operations import open_operations


class Verdict(StrEnum):
    """The worse ones last."""

    TAKEN = "taken"  # nothing that is known speaks against it
    PERHAPS = "perhaps"  # the documents of the clouds contradict each other
    REFUSED = "refused"  # the cloud will refuse, by what was read last; it is sent all the same
    NEEDS_CONSENT = "needs_consent"  # the form sends it with a tick only
    CLOSED = "closed"  # the form does not send it


class Code(StrEnum):
    """What is foreseen."""

    WHOLE = "whole"
    IN_USE = "in_use"
    IN_USE_AGREED = "in_use_agreed"
    ATTACHING = "attaching"
    ATTACHING_AGREED = "attaching_agreed"
    NO_SNAPSHOT = "no_snapshot"
    IN_LINE = "in_line"
    LAST_MANUAL = "last_manual"
    MANUAL_FULL = "manual_full"
    COUNT_LEFT = "count_left"
    COUNT_FULL = "count_full"
    GIGABYTES_LEFT = "gigabytes_left"
    GIGABYTES_FULL = "gigabytes_full"


_VERDICTS = {
    Code.IN_USE: Verdict.NEEDS_CONSENT,
    Code.ATTACHING: Verdict.NEEDS_CONSENT,
    Code.ATTACHING_AGREED: Verdict.PERHAPS,
    Code.NO_SNAPSHOT: Verdict.CLOSED,
    Code.MANUAL_FULL: Verdict.REFUSED,
    Code.COUNT_FULL: Verdict.REFUSED,
    Code.GIGABYTES_FULL: Verdict.REFUSED,
}
_TONES = {
    Code.WHOLE: "good",
    Code.IN_USE: "warning",
    Code.IN_USE_AGREED: "warning",
    Code.ATTACHING: "warning",
    Code.ATTACHING_AGREED: "warning",
    Code.NO_SNAPSHOT: "bad",
    Code.IN_LINE: "waiting",
    Code.LAST_MANUAL: "warning",
    Code.MANUAL_FULL: "bad",
    Code.COUNT_FULL: "bad",
    Code.GIGABYTES_FULL: "bad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How things stand, by what was read last. None: without a limit, or not told."""

    status: str
    takes_snapshot: bool
    needs_force: bool
    is_attaching: bool
    agrees: bool  # the box is ticked
    size_gb: int | None
    ahead: int = 0  # unfinished requests that this one waits for
    manual: int = (
        0  # snapshots of the volume that no service of the cloud made, with those asked for
    )
    most_manual: int | None = None
    count_left: int | None = None
    gigabytes_left: int | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the page says of it."""

    code: Code
    text: str

    @property
    def tone(self) -> str:
        return _TONES.get(self.code, "quiet")


def foresee(facts: Facts) -> tuple[Code, ...]:
    """What is foreseen, in the order of the page."""
    if not facts.takes_snapshot:
        return (Code.NO_SNAPSHOT,)
    codes = [_of_state(facts)]
    if facts.ahead:
        codes.append(Code.IN_LINE)
    if facts.most_manual is not None and facts.manual >= facts.most_manual:
        codes.append(Code.MANUAL_FULL)
    elif facts.most_manual is not None and facts.manual == facts.most_manual - 1:
        codes.append(Code.LAST_MANUAL)
    if facts.count_left is not None:
        codes.append(Code.COUNT_LEFT if facts.count_left else Code.COUNT_FULL)
    if facts.gigabytes_left is not None and facts.size_gb is not None:
        fits = facts.size_gb <= facts.gigabytes_left
        codes.append(Code.GIGABYTES_LEFT if fits else Code.GIGABYTES_FULL)
    return tuple(codes)


def verdict_of(codes: Sequence[Code]) -> Verdict:
    """The worst of them."""
    order = list(Verdict)
    return max((_VERDICTS.get(code, Verdict.TAKEN) for code in codes), key=order.index)


def _of_state(facts: Facts) -> Code:
    if not facts.needs_force:
        return Code.WHOLE
    if facts.is_attaching:
        return Code.ATTACHING_AGREED if facts.agrees else Code.ATTACHING
    return Code.IN_USE_AGREED if facts.agrees else Code.IN_USE


# --- words -----------------------------------------------------------------------------------

_IN_USE = gettext_noop(
    "A server is using this volume. The snapshot holds what is on the disk at that moment, as after"
    " a power cut."
)
_ATTACHING = gettext_noop(
    "This volume is being attached to a server. Some clouds refuse a snapshot then: better wait"
    " until it is in use."
)
_SENTENCES = {
    Code.WHOLE: gettext_noop("No server is using this volume: the snapshot will hold all of it."),
    Code.IN_USE: _IN_USE,
    Code.IN_USE_AGREED: _IN_USE,
    Code.ATTACHING: _ATTACHING,
    Code.ATTACHING_AGREED: _ATTACHING,
    Code.NO_SNAPSHOT: gettext_noop(
        "It is “{status}” and takes no snapshot now. Try again when it is available or in use."
    ),
    Code.LAST_MANUAL: gettext_noop(
        "It will be the last that fits: this volume takes {most_manual} manual snapshots."
    ),
    Code.MANUAL_FULL: gettext_noop(
        "This volume has its {most_manual} manual snapshots, some perhaps still being made: the"
        " cloud will refuse another. Delete one first."
    ),
    Code.COUNT_LEFT: gettext_noop("After it, {left} more snapshots fit into the quota."),
    Code.COUNT_FULL: gettext_noop(
        "The quota of snapshots is used up: the cloud will refuse. Ask for a larger quota, or"
        " delete snapshots that nobody needs."
    ),
    Code.GIGABYTES_LEFT: gettext_noop(
        "It counts {size_gb} GiB of the quota; {gigabytes_after} GiB are left then."
    ),
    Code.GIGABYTES_FULL: gettext_noop(
        "It counts {size_gb} GiB and {gigabytes_left} GiB of the quota are left: the cloud will"
        " refuse. Ask for a larger quota, or delete snapshots that nobody needs."
    ),
}


def sentences_of(facts: Facts) -> list[Sentence]:
    """What is foreseen, in the language of the page."""
    return [Sentence(code, _sentence(code, facts)) for code in foresee(facts)]


def _sentence(code: Code, facts: Facts) -> str:
    if code is Code.IN_LINE:
        text = ngettext(
            "{ahead} unfinished request on this volume: yours is number {place} in line, since a"
            " volume takes one change at a time.",
            "{ahead} unfinished requests on this volume: yours is number {place} in line, since a"
            " volume takes one change at a time.",
            facts.ahead,
        )
        return text.format(ahead=figure(facts.ahead), place=figure(facts.ahead + 1))
    if code is Code.COUNT_LEFT and facts.count_left == 1:
        return _("It takes the last place of the quota of snapshots.")
    return _(_SENTENCES[code]).format(
        status=facts.status,
        most_manual=figure(facts.most_manual or 0),
        left=figure((facts.count_left or 1) - 1),
        size_gb=figure(facts.size_gb or 0),
        gigabytes_left=figure(facts.gigabytes_left or 0),
        gigabytes_after=figure((facts.gigabytes_left or 0) - (facts.size_gb or 0)),
    )


# --- facts -----------------------------------------------------------------------------------


def facts_of(volume: Volume, quotas: Sequence[Quota], *, agrees: bool) -> Facts:
    """How things stand now, by our tables. The quotas are those of the volume's cloud."""
    line = open_operations(volume.cloud, volume.volume_id)
    kinds = list(line.values_list("kind", "shares_volume", "snapshot"))
    coming = sum(
        kind == OperationKind.CREATE and snapshot is None for kind, _shares, snapshot in kinds
    )
    present = Snapshot.objects.present().filter(cloud=volume.cloud, volume_id=volume.volume_id)
    left = {quota.resource: quota.free for quota in quotas}
    return Facts(
        status=volume.status,
        takes_snapshot=volume.takes_snapshot,
        needs_force=volume.needs_force,
        is_attaching=volume.is_attaching,
        agrees=agrees,
        size_gb=volume.size_gb,
        ahead=sum(shares is None for _kind, shares, _snapshot in kinds),
        manual=present.exclude(maker=Maker.SYSTEM).count() + coming,
        most_manual=clouds.manual_limit(volume.cloud),
        count_left=left.get("snapshots"),
        gigabytes_left=left.get("gigabytes"),
    )
