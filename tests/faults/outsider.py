"""Somebody at the cloud's own console, who changes snapshots and volumes and tells nobody."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from snapshots.models import OperationState, Snapshot
from tests.faults.facts import Content, Outside, Span

Control = Callable[..., Any]
_READY, _ERROR = "available", "error"


class Outsider:
    """Acts when it is told to; `done` is what it did, and when."""

    def __init__(self, control: Control, seed: int, volume_ids: list[str]) -> None:
        self._control = control
        self._random = random.Random(f"{seed}/outsider")
        self._volumes = list(volume_ids)
        self._own: list[str] = []
        self.done = Outside()
        self.acts = 0

    def act(self) -> None:
        acts = (
            (self._make, 4),
            (self._rename_own, 4),
            (self._break_or_mend, 3),
            (self._rename_another, 2),
            (self._delete, 4),
            (self._rename_volume, 2),
            (self._remove_volume, 0.2),
        )
        act = self._random.choices([one for one, _ in acts], [weight for _, weight in acts])[0]
        act()
        self.acts += 1

    def _make(self) -> None:
        name = f"by hand {self._word()}"
        with _timed() as span:
            wanted = {"volume_id": self._random.choice(self._volumes), "name": name}
            made = self._control("POST", "snapshots", wanted)["id"]
        self._own.append(made)
        self.done.made[made] = [Content(span(), name, _READY)]

    def _rename_own(self) -> None:
        if own := self._one_of_own():
            self.done.renamed.add(own)
            self._change_own(own, name=f"by hand {self._word()}")

    def _break_or_mend(self) -> None:
        if own := self._one_of_own():
            is_ready = self.done.made[own][-1].status == _READY
            self._change_own(own, status=_ERROR if is_ready else _READY)

    def _change_own(self, own: str, **changes: str) -> None:
        last = self.done.made[own][-1]
        with _timed() as span:
            is_there = "error" not in self._control("POST", f"snapshots/{own}", changes)
        if is_there:
            now = {"name": last.name, "status": last.status} | changes
            self.done.made[own].append(Content(span(), **now))
        else:
            self._own.remove(own)  # the portal deleted it, or its volume went

    def _rename_another(self) -> None:
        if another := self._one_of_portals():
            self.done.renamed.add(another)
            self._control("POST", f"snapshots/{another}", {"name": f"by hand {self._word()}"})

    def _delete(self) -> None:
        ident = self._random.choice([self._one_of_own, self._one_of_portals])()
        if not ident:
            return
        with _timed() as span:
            removed = self._control("DELETE", f"snapshots/{ident}")["removed"]
        if removed:
            self.done.deleted[ident] = span()
        if ident in self._own:
            self._own.remove(ident)

    def _rename_volume(self) -> None:
        name = f"volume {self._word()}"
        self._control("POST", f"volumes/{self._random.choice(self._volumes)}", {"name": name})

    def _remove_volume(self) -> None:
        if len(self._volumes) < 2:
            return
        volume_id = self._random.choice(self._volumes)
        self._volumes.remove(volume_id)
        # Known before it happens: what is asked for meanwhile may be refused.
        self.done.removed_volumes[volume_id] = Span(time.time(), float("inf"))
        with _timed() as span:
            self._control("DELETE", f"volumes/{volume_id}")
        self.done.removed_volumes[volume_id] = span()

    def _one_of_own(self) -> str:
        return self._random.choice(self._own) if self._own else ""

    def _one_of_portals(self) -> str:
        """A snapshot that a request has made, as the portal shows it: nothing is asked of it."""
        made = Snapshot.objects.present().filter(operation__state=OperationState.SUCCEEDED)
        newest = list(made.order_by("-listed_at").values_list("snapshot_id", flat=True)[:200])
        return self._random.choice(newest) if newest else ""

    def _word(self) -> str:
        return f"{self._random.getrandbits(40):x}"


@contextmanager
def _timed() -> Iterator[Callable[[], Span]]:
    """The span of the block, to be called after it."""
    begun = time.time()
    done: list[float] = []
    yield lambda: Span(begun, done[0])
    done.append(time.time())
