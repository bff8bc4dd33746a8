"""What a person checks before trusting a cloud's connection: read once, told line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from snapshots import clouds
from snapshots.audit.record.recorder import AuditRecorder, Context
from snapshots.clouds.health import cloud_answered
from snapshots.evs.client import EvsClient
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    KeyCredentials,
    TokenCredentials,
)
from snapshots.evs.dialects import DIALECTS
from snapshots.evs.errors import EvsError
from snapshots.evs.identity import SignedIn, clock_difference, signed_in
from snapshots.evs.paging import Listed
from snapshots.evs.types import CloudServer, CloudSnapshot, CloudVolume, Quota
from snapshots.evs.wire import CloudAnswer, Outgoing
from snapshots.models import CloudHealth, Exchange, Purpose

# Rows of a volume have up to 1.5 kB, of a snapshot a third: as many as one readable answer holds.
VOLUMES_A_PAGE = 500
SNAPSHOTS_A_PAGE = 1000
CLOCK_TOLERANCE = timedelta(seconds=60)
_UNKNOWN = "unknown: the cloud did not say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to check; `is_wrong` where it was not as it should be, `is_doubtful` where it may
    become so.
    """

    label: str
    text: str
    is_wrong: bool = False
    is_doubtful: bool = False


class PingRecorder(AuditRecorder):
    """Records like any other, as purpose `ping`, and keeps what answers say about the cloud."""

    def __init__(self, cloud: str) -> None:
        context = Context(cloud=cloud, sandbox=clouds.is_sandbox(), purpose=Purpose.PING)
        super().__init__(context, secrets=clouds.secrets_of(cloud))
        self.signed_in = SignedIn()
        self.clock_difference: timedelta | None = None

    def answered(self, request: Outgoing, answer: CloudAnswer) -> None:
        super().answered(request, answer)
        if request.purpose == Purpose.LOGIN:
            self.signed_in = signed_in(answer)
        difference = clock_difference(answer, received_at=timezone.now())
        self.clock_difference = self.clock_difference if difference is None else difference

    def _purpose(self, request: Outgoing) -> Purpose:
        """A rehearsal's create is no person's request: it is part of the ping."""
        return Purpose.LOGIN if request.purpose == Purpose.LOGIN else Purpose.PING

    def _exchange(self, request: Outgoing) -> Exchange:
        row = super()._exchange(request)
        if request.method not in {"GET", "HEAD"} and request.purpose != Purpose.LOGIN:
            row.background = False  # it changes the cloud, so auditors see it without asking
        return row


def survey(cloud: str) -> Iterator[Line]:
    """Sign in, read everything once, and tell it. What fails is a line of its own; a failed
    sign-in is the last. Recorded. An answer closes the cloud's breaker.
    """
    config = clouds.config_of(cloud)
    recorder = PingRecorder(cloud)
    client = clouds.client(cloud, recorder)
    yield Line(label="cloud", text=f"{cloud}{' (simulated)' if clouds.is_sandbox() else ''}")
    yield Line(label="region", text=config.region or "any: none is set")
    try:
        endpoint = client.endpoint()
    except EvsError as error:
        yield from _identity(config, recorder.signed_in)
        yield Line(label="dialect", text=config.dialect)
        yield Line(label="failed", text=str(error), is_wrong=True)
        return
    yield _project(config, recorder.signed_in)
    yield from _identity(config, recorder.signed_in)
    yield Line(label="endpoint", text=endpoint)
    yield Line(label="dialect", text=config.dialect)
    readings = [_volumes(client), _snapshots(client), _quota(client)]
    yield from readings
    if not all(line.is_wrong for line in readings):
        cloud_answered(cloud)
    yield _servers(client)
    yield _clock(recorder.clock_difference)
    yield from _abilities(config)


def _project(config: CloudConfig, token: SignedIn) -> Line:
    auth = config.auth
    if isinstance(auth, KeyCredentials):
        return Line(label="project", text=f"{auth.project_id} (an access key tells no name)")
    # An application credential belongs to one project, so none is configured.
    configured = None if isinstance(auth, ApplicationCredentials) else auth
    name = token.project or (configured and configured.project_name) or "unnamed"
    identity = token.project_id or (configured and configured.project_id) or "no id"
    return Line(label="project", text=f"{name} ({identity})")


def _identity(config: CloudConfig, token: SignedIn) -> Iterator[Line]:
    auth = config.auth
    if isinstance(auth, KeyCredentials):
        yield Line(label="identity", text="none: each request is signed")
        yield Line(label="user", text="whose access key it is")
        return
    configured = None if isinstance(auth, TokenCredentials) else auth
    user = (
        token.user or (configured and (configured.username or configured.user_id)) or "not reported"
    )
    domain = token.domain or (
        configured and (configured.user_domain_name or configured.user_domain_id)
    )
    yield Line(label="identity", text=auth.auth_url)
    yield Line(label="user", text=f"{user} of {domain}" if domain else user)


def _volumes(client: EvsClient) -> Line:
    try:
        return _count("volumes", client.list_volumes(limit=VOLUMES_A_PAGE))
    except EvsError as error:
        return Line(label="volumes", text=f"not readable: {error}", is_wrong=True)


def _snapshots(client: EvsClient) -> Line:
    try:
        return _count("snapshots", client.list_readable_snapshots(limit=SNAPSHOTS_A_PAGE))
    except EvsError as error:
        return Line(label="snapshots", text=f"not readable: {error}", is_wrong=True)


def _servers(client: EvsClient) -> Line:
    """Not wrong where the account may not read them: their names are a help only."""
    try:
        return _count("servers", client.list_servers())
    except EvsError as error:
        return Line(label="servers", text=f"not readable, so pages show their ids: {error}")


def _count(
    label: str, rows: Listed[CloudVolume] | Listed[CloudSnapshot] | Listed[CloudServer]
) -> Line:
    text = f"{len(rows.rows):,} seen"
    return Line(label=label, text=f"{text}. {rows.trouble}".strip(". "), is_wrong=not rows.is_whole)


def _quota(client: EvsClient) -> Line:
    """Not wrong where the account may not read it: snapshots can be made all the same."""
    try:
        quotas = client.quotas()
    except EvsError as error:
        return Line(label="quota", text=f"not readable: {error}")
    text = [
        f"{name} {_used(quota)}"
        for name, quota in (("snapshots", quotas.snapshots), ("gigabytes", quotas.gigabytes))
        if quota is not None
    ]
    return Line(label="quota", text=", ".join(text) or _UNKNOWN)


def _used(quota: Quota) -> str:
    used = "not reported" if quota.in_use is None else f"{quota.in_use + quota.reserved:,}"
    return f"{used} in use, no limit" if quota.limit < 0 else f"{used} of {quota.limit:,}"


def _clock(difference: timedelta | None) -> Line:
    if difference is None:
        return Line(label="clock", text=_UNKNOWN)
    seconds = round(abs(difference.total_seconds()))
    if seconds <= 2:
        return Line(label="clock", text="the cloud's agrees with this machine's")
    side = "ahead of" if difference > timedelta(0) else "behind"
    text = f"the cloud's is {seconds:,} s {side} this machine's"
    if abs(difference) <= CLOCK_TOLERANCE:
        return Line(label="clock", text=text)
    text = f"WARNING: {text}; set this machine's clock by NTP"
    return Line(label="clock", text=text, is_doubtful=True)


# What the vendor's documents say (docs/evs-api.md). Only a test shows whether this
# cloud does it.
_METADATA_CALLS = "its calls are documented for this dialect"
_NO_METADATA_CALLS = "this dialect has no calls to change it"
_ROLLBACK = {
    "native-v2": "documented for EVS in this dialect; unknown whether this cloud has it",
    "native-v3": "unknown: EVS has a call of its own, a plain Cinder one from microversion 3.40",
    "vendor-v2": "documented for this dialect; not tried",
}


def _abilities(config: CloudConfig) -> Iterator[Line]:
    health = CloudHealth.objects.filter(cloud=config.name).first()
    marker = {
        None: "not tried yet whether the cloud keeps the portal's mark",
        True: "the cloud keeps the portal's mark",
        False: "the cloud DROPS the portal's mark",
    }[health.keeps_metadata if health else None]
    has_calls = DIALECTS[config.dialect].metadata is not None
    calls = _METADATA_CALLS if has_calls else _NO_METADATA_CALLS
    yield Line(label="metadata", text=f"{marker}; {calls}")
    yield Line(label="rollback", text=_ROLLBACK.get(config.dialect, "unknown"))
