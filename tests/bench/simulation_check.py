"""`./run bench --simulate --check`: the same small load on a real worker and in the simulation.

A real worker on SQLite speaks HTTP to a sandbox that answers after a fixed time. Both are asked for
the same at the same moments; what comes out of each stands side by side.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.scenario import Delay, Scenario, Weather, wishes
from tests.faults.processes import ROOT, end

CLOUD = "ankara"
REQUESTS, VOLUMES, SECONDS = 100, 50, 100.0
ANSWER_SECONDS, MAKING_SECONDS = 0.2, 4.0
_PATIENCE_SECONDS = 300
_SETTINGS = {
    "EVSPORTAL_MODE": "cloud",
    "EVSPORTAL_STAFF_OPEN_REQUESTS": "1000000",  # one person asks for everything
    "EVSPORTAL_STAFF_DAY_REQUESTS": "1000000",
}
PURPOSES = ("create", "watch", "inventory", "quota", "snapshots")


def scenario_of(seed: int) -> Scenario:
    """What the real run is given."""
    always = Delay(median=ANSWER_SECONDS, spread=0.0)
    purposes = ("create", "look", "watch", "volumes", "quota", "snapshots", "probe")
    weather = Weather(
        delays=dict.fromkeys(purposes, always),
        throttled=0.0,
        server_faults=0.0,
        lost=0.0,
        outages=0.0,
        until_available=Delay(median=MAKING_SECONDS, spread=0.0),
        seconds_for_gb=0.0,
        ends_in_error=0.0,
    )
    return Scenario(
        seed=seed,
        clouds=1,
        volumes=VOLUMES,
        snapshots=0,
        requests=REQUESTS,
        in_batches=0.0,
        hours=SECONDS / 3600,
        nodes=1,
        wakes=False,  # SQLite: the worker only looks from time to time
        weather=weather,
    )


def measure(folder: Path, scenario: Scenario) -> dict[str, float]:
    """The real run's figures."""
    from snapshots.sandbox import SandboxOptions, SandboxServer

    options = SandboxOptions(
        seconds=MAKING_SECONDS, latency_seconds=ANSWER_SECONDS, snapshots_per_volume=0
    )
    with SandboxServer(options) as server:
        _enter(folder, server.url)
        volumes = _volumes(server, VOLUMES)
        with _worker():
            _wait(_has_read_volumes)
            _ask(scenario, volumes)
            _wait(_all_ended)
        return _figures()


def _enter(folder: Path, address: str) -> None:
    from snapshots import sandbox_account as account

    auth = {
        "auth_url": f"{address}/v3",
        "username": account.USERNAME,
        "password": account.PASSWORD,
        "user_domain_name": account.DOMAIN,
        "project_name": account.PROJECT_NAME,
        "project_domain_name": account.DOMAIN,
    }
    clouds = folder / "clouds.yaml"
    clouds.touch(mode=0o600)
    entry = {"auth": auth, "region_name": account.REGION}
    clouds.write_text(json.dumps({"clouds": {CLOUD: entry}}), encoding="utf-8")
    os.environ |= _SETTINGS | {"EVSPORTAL_CLOUDS": str(clouds), "EVSPORTAL_VAR": str(folder)}
    from tests.bench import portal

    portal.enter(folder)
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _volumes(server, count: int) -> list[str]:
    """New volumes of the cloud, by their ids."""
    import urllib.request

    body = json.dumps({"count": count, "name": "load", "size_gb": 1}).encode()
    request = urllib.request.Request(f"{server.url}/_sandbox/volumes", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["ids"]


@contextmanager
def _worker():
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT)
    try:
        yield
    finally:
        end(process)


def _has_read_volumes() -> bool:
    from snapshots.models import Volume

    return Volume.objects.filter(name__startswith="load").count() >= VOLUMES


def _all_ended() -> bool:
    from snapshots.models import OPEN, Operation

    return not Operation.objects.filter(state__in=sorted(OPEN)).exists()


def _wait(condition: Callable[[], bool]) -> None:
    end_at = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end_at:
            raise TimeoutError(f"Not within {_PATIENCE_SECONDS} s.")
        time.sleep(1)


def _ask(scenario: Scenario, volume_ids: Sequence[str]) -> None:
    """At the moments of the simulated night."""
    from django.contrib.auth.models import Group, User

    from snapshots.models import Role, Volume, VolumeGrant
    from snapshots.operations.asking import OperationArguments, ask_for_operation

    person = User.objects.create_user("alice")
    person.groups.add(Group.objects.get(name=Role.STAFF))
    VolumeGrant.objects.create(cloud=CLOUD, scope="cloud", user=person)
    rows = Volume.objects.filter(volume_id__in=volume_ids)
    volumes = {row.volume_id: row for row in rows}
    begin = time.monotonic()
    for wish in wishes(scenario):
        time.sleep(max(begin + wish.at - time.monotonic(), 0))
        volume = volumes[volume_ids[wish.volume]]
        arguments = OperationArguments(volume=volume, name=f"check {wish.at:.1f}")
        ask_for_operation(requester=person, key=uuid.uuid4(), arguments=arguments)


def _figures() -> dict[str, float]:
    from snapshots.models import Exchange, Operation

    rows = list(Operation.objects.values_list("asked_at", "sent_at", "finished_at", "state"))
    first, last = min(row[0] for row in rows), max(row[2] for row in rows)
    sent = [(row[1] - row[0]).total_seconds() for row in rows]
    ended = [(row[2] - row[0]).total_seconds() for row in rows]
    exchanges = Exchange.objects.filter(at__gte=first, at__lte=last)
    calls = Counter(exchanges.values_list("purpose", flat=True))
    return _named(sent, ended, (last - first).total_seconds(), calls)


def simulated(night) -> dict[str, float]:
    """The same of a simulated night."""
    from tests.bench.simulated_rows import seconds_at

    sent = [request.first_sent - request.wish.at for request in night.requests]
    ends = [seconds_at(request.finished_at) for request in night.requests]
    ended = [end - request.wish.at for end, request in zip(ends, night.requests, strict=True)]
    first = night.requests[0].wish.at
    calls: Counter[str] = Counter()
    for (purpose, _minute), count in night.tables.clouds[0].cloud.calls.items():
        calls["inventory" if purpose == "volumes" else purpose] += count
    return _named(sent, ended, max(ends) - first, calls)


def _named(
    sent: list[float], ended: list[float], seconds: float, calls: Counter[str]
) -> dict[str, float]:
    from tests.bench.simulation_report import share_of

    return {
        "from asking to sending, half, s": share_of(sent, 0.5),
        "from asking to sending, 99 of 100, s": share_of(sent, 0.99),
        "from asking to the end, half, s": share_of(ended, 0.5),
        "from asking to the end, 99 of 100, s": share_of(ended, 0.99),
        "from the first request to the last end, s": seconds,
        **{f"calls, {purpose}": calls[purpose] for purpose in PURPOSES},
    }


def table_of(real: dict[str, float], model: dict[str, float]) -> str:
    lines = [f"\n{'':<44}{'real':>10}{'simulated':>11}\n"]
    lines += [f"{name:<44}{real[name]:>10.2f}{model[name]:>11.2f}\n" for name in real]
    return "".join(lines)
