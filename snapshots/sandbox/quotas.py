"""Quotas: the limits of a project and what it uses (A-2073; recorded in 08)."""

import re

from snapshots.sandbox.call import Call
from snapshots.sandbox.digits import number_of
from snapshots.sandbox.errors import bad_request, over_limit
from snapshots.sandbox.messages import Answer, Json, json_answer

_BIGGEST = 2**31 - 1
_TYPES = ("SATA", "SAS", "SSD", "GPSSD", "ESSD")


def _quota(call: Call, project_id: str, resource: str) -> int:
    defaults = {
        "snapshots": call.options.quota_snapshots,
        "gigabytes": call.options.quota_gigabytes,
        "volumes": call.options.quota_volumes,
    }
    return call.state.quota(project_id, resource, defaults.get(resource, -1))


def in_use(call: Call, project_id: str, resource: str) -> int:
    """Snapshots count in gigabytes too, with their volume's full size."""
    count, size = (
        "SELECT count(*) FROM {} WHERE project_id = ?",
        "SELECT sum(size) FROM {} WHERE project_id = ?",
    )
    queries = {
        "snapshots": [count.format("snapshots")],
        "volumes": [count.format("volumes")],
        "gigabytes": [size.format("volumes"), size.format("snapshots")],
    }
    return sum(call.state.number(sql, (project_id,)) for sql in queries[resource])


def check(call: Call, project_id: str, resource: str, amount: int) -> None:
    """Refuse an amount that would exceed the quota.

    Raises ApiFault: 413.
    """
    quota, used = _quota(call, project_id, resource), in_use(call, project_id, resource)
    if quota < 0 or used + amount <= quota:
        return
    if resource == "gigabytes":
        raise over_limit(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed"
            " gigabytes quota."
            f" Requested {amount}G, quota is {quota}G and {used}G has been consumed."
        )
    noun = "Snapshot" if resource == "snapshots" else "Volume"
    raise over_limit(
        f"{noun}LimitExceeded: Maximum number of {resource} allowed ({quota}) exceeded"
    )


def show(call: Call) -> Answer:
    """Limit and use, by resource; the plain limits without `usage` (CIN)."""
    target = call.path["target"]
    if target != call.project_id and not call.caller.is_admin:
        raise bad_request("The project of the quota must be the caller's own.", "Common.0018")
    with_usage = call.request.last_params.get("usage", "").lower() == "true"
    entries: dict[str, object] = {}
    for resource, (quota, used) in _figures(call, target).items():
        entries[resource] = {"limit": quota, "in_use": used, "reserved": 0} if with_usage else quota
    return json_answer(200, {"quota_set": {**entries, "id": target}})


def _figures(call: Call, project_id: str) -> dict[str, tuple[int, int]]:
    figures = {
        name: (_quota(call, project_id, name), in_use(call, project_id, name))
        for name in ("volumes", "snapshots", "gigabytes")
    }
    figures |= {
        "per_volume_gigabytes": (-1, 0),
        "backups": (10, 0),
        "backup_gigabytes": (1000, 0),
        "groups": (10, 0),
    }
    for kind in _TYPES:
        figures |= _figures_of_type(call, project_id, kind)
    return figures


def _figures_of_type(call: Call, project_id: str, kind: str) -> dict[str, tuple[int, int]]:
    volumes = "FROM volumes WHERE project_id = ? AND volume_type = ?"
    snapshots = (
        "FROM snapshots AS s JOIN volumes AS v ON v.id = s.volume_id"
        " WHERE s.project_id = ? AND v.volume_type = ?"
    )
    values = (project_id, kind)
    number = call.state.number
    gigabytes = number(f"SELECT sum(size) {volumes}", values) + number(
        f"SELECT sum(s.size) {snapshots}",
        values,
    )
    return {
        f"volumes_{kind}": (-1, number(f"SELECT count(*) {volumes}", values)),
        f"gigabytes_{kind}": (-1, gigabytes),
        f"snapshots_{kind}": (-1, number(f"SELECT count(*) {snapshots}", values)),
    }


def change(call: Call) -> Answer:
    """For the administrator: sets limits."""
    call.require_admin("volume_extension:quotas:update")
    quota_set = (call.body or {}).get("quota_set", {})
    for resource, quota in quota_set.items():
        call.state.set_quota(call.path["target"], resource, _limit(resource, quota))
    figures = _figures(call, call.path["target"])
    return json_answer(200, {"quota_set": {name: quota for name, (quota, _) in figures.items()}})


def _limit(resource: str, quota: Json) -> int:
    is_number = re.fullmatch(r"-?[0-9]+", quota if isinstance(quota, str) else repr(quota))
    limit = number_of(str(quota)) if is_number else _BIGGEST + 1
    if not -1 <= limit <= _BIGGEST:
        raise bad_request(f"Invalid input for field/attribute {resource}. Value: {quota}.")
    return limit


def limits(call: Call) -> Answer:
    project_id = call.project_id
    absolute = {
        "maxTotalVolumes": _quota(call, project_id, "volumes"),
        "maxTotalSnapshots": _quota(call, project_id, "snapshots"),
        "maxTotalVolumeGigabytes": _quota(call, project_id, "gigabytes"),
        "maxTotalBackups": 10,
        "maxTotalBackupGigabytes": 1000,
        "totalVolumesUsed": in_use(call, project_id, "volumes"),
        "totalGigabytesUsed": in_use(call, project_id, "gigabytes"),
        "totalSnapshotsUsed": in_use(call, project_id, "snapshots"),
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return json_answer(200, {"limits": {"rate": [], "absolute": absolute}})
