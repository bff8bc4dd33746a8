"""What is done inside a process of the portal: `python -m tests.bench.within TASK [argument]`.

Each task ends with one line of JSON.
"""

import json
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django

PAIRS = 300


def sample():
    """Values that are in the trail, and people who can sign in."""
    from django.contrib.auth.models import User

    from snapshots.models import Entry, Operation

    asked = Entry.objects.filter(kind="exchange", what="create")
    last = asked.order_by("-at").first().at
    some = list(asked.filter(at__lt=last - timedelta(days=60)).order_by("-at")[:400:80])
    names = [one.actor_name for one in some]
    staff = next(one for one in names if "." in one)
    person = User.objects.get(username=staff)
    person.set_password("demo")
    person.save()
    columns = ("actor_name", "volume_id", "volume_name")
    helped = asked.exclude(on_behalf_of="").order_by("-at")[:50:10]
    ticket = asked.exclude(ticket="").order_by("-at")[:50:10]
    refused = Operation.objects.filter(state="refused", asked_at__lt=last - timedelta(days=600))
    deep_operation = refused.order_by("-asked_at").first()
    return {
        "staff": staff,
        "many": {
            **{column: sorted({getattr(one, column) for one in some}) for column in columns},
            "on_behalf_of": sorted({one.on_behalf_of for one in helped}),
        },
        "few": {"ticket": [one.ticket for one in ticket]},
        "operations": [str(one.operation_id) for one in some],
        "causes": [str(one.cause) for one in some],
        "exchanges": [str(one.record) for one in some],
        "actions": [str(one.record) for one in Entry.objects.filter(kind="action")[:50:10]],
        "day": str((last - timedelta(days=100)).date()),
        "first_day": str((last - timedelta(days=729)).date()),
        "early": str((last - timedelta(days=700)).date()),
        "month": [str((last - timedelta(days=days)).date()) for days in (400, 370)],
        "next": _cursor_at(last - timedelta(days=1)),
        "deep": _cursor_at(last - timedelta(days=600)),
        "deep_operation": str(deep_operation.pk) if deep_operation else "",
    }


def sample_of_snapshots():
    """Values of snapshots that are there."""
    from django.db.models import Count

    from snapshots.models import Snapshot, VolumeGrant
    from snapshots.selectors.keyset import Order, keyset_page

    present = Snapshot.objects.present()
    by_others, here = present.filter(operation=None), present.exclude(operation=None)
    # No more than are asked for before it counts: the first look at a volume asks for a reading.
    some = list(by_others.order_by("snapshot_id")[:3])
    volumes = by_others.values("volume_id").annotate(count=Count("pk")).order_by("-count")[:3]
    # Staff see what is on the volumes that they may use.
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", user=_who("alice"))
    order = Order("listed_at", is_descending=True, holds=datetime)
    old = present.filter(
        listed_at__lt=by_others.order_by("listed_at")[by_others.count() // 2].listed_at
    )
    return {
        "snapshots": [one.snapshot_id for one in some],
        "names": [one.name for one in some],
        "volumes": [one["volume_id"] for one in volumes],
        "volume_names": [one.volume_name for one in some],
        "owners": list(here.values_list("owner_name", flat=True)[:50:10]),
        "tickets": list(here.exclude(ticket="").values_list("ticket", flat=True)[:50:10]),
        "next": keyset_page(present, order).next,
        "deep": keyset_page(old, order).next,
    }


def _who(name):
    from django.contrib.auth.models import User

    return User.objects.get(username=name)


def read_whole(times):
    """Seconds of this process and of the wall, and megabytes that it grew, for each whole reading
    of the cloud's snapshots.
    """
    from django.utils import timezone

    from snapshots.duties.snapshots import sync_snapshots
    from snapshots.jobs.claims import claim_some
    from snapshots.jobs.duties import SNAPSHOTS, start_duty
    from snapshots.models import Duty, Snapshot

    Snapshot.objects.filter(operation=None).delete()  # of an earlier run, from another sandbox
    readings = []
    for _ in range(int(times)):
        start_duty(SNAPSHOTS, "sandbox", due_at=timezone.now())
        due = Duty.objects.filter(kind=SNAPSHOTS)
        due.update(due_at=timezone.now())
        duty = claim_some(due, most=1, owner="bench:1:a", lease=timedelta(minutes=15))[0]
        before, busy, began = memory_now("self"), time.process_time(), time.perf_counter()
        sync_snapshots(duty)
        readings.append(
            {
                "busy_s": time.process_time() - busy,
                "seconds": time.perf_counter() - began,
                "grew_mb": memory_mb("self", "VmHWM") - before,
                "rows": Snapshot.objects.present().count(),
            }
        )
    return {"readings": readings}


def _cursor_at(moment: datetime) -> str:
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{microseconds}-1"


def export(path):
    """Seconds, and by how many megabytes the process grew at its peak."""
    from django.core.management import call_command

    before, began = memory_now("self"), time.perf_counter()
    call_command("audit_export", "--to", path, "--csv")
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "grew_mb": memory_mb("self", "VmHWM") - before}


def memory_now(pid):
    """Megabytes; the highest so far is forgotten."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory_mb(pid, "VmRSS")


def memory_mb(pid, name):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def record():
    """Milliseconds that one exchange with its answer costs the worker, both committed to disk."""
    from snapshots.audit.record.recorder import AuditRecorder, Context
    from snapshots.evs.wire import CloudAnswer, Outgoing
    from snapshots.models import Operation, Purpose

    operation = Operation.objects.order_by("-asked_at").first()
    context = Context(
        cloud=operation.cloud,
        sandbox=True,
        purpose=Purpose.CREATE,
        operation=operation,
        actor=operation.requester,
    )
    recorder = AuditRecorder(context)
    body = json.dumps({"snapshot": {"volume_id": operation.volume_id, "name": "bench"}}).encode()
    headers = {"Content-Type": "application/json", "X-Auth-Token": "t" * 200}

    def pair():
        request = Outgoing(
            purpose="create", method="POST", url="http://127.0.0.1/v2/p/snapshots", headers=headers,
            body=body,
        )  # fmt: skip
        answer = CloudAnswer(status=202, headers=headers, body=body, elapsed_ms=80)
        began, busy = time.perf_counter(), time.process_time()
        recorder.opened(request)
        opened = time.perf_counter()
        recorder.answered(request, answer)
        ended, spent = time.perf_counter(), time.process_time() - busy
        return (ended - began) * 1000, (opened - began) * 1000, spent * 1000

    pairs = [pair() for _ in range(PAIRS)]
    waited, opened, busy = (sorted(some) for some in zip(*pairs, strict=True))
    return {
        "opened_ms": statistics.median(opened),
        "p50_ms": statistics.median(waited),
        "p95_ms": waited[int(len(waited) * 0.95)],
        "busy_ms": statistics.median(busy),
    }


if __name__ == "__main__":
    django.setup()
    result = globals()[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps(result) + "\n")
