"""The calls of the block storage API, and one of the compute service."""

from snapshots.evs.calls import Call, read_answer
from snapshots.evs.paging import page_from
from snapshots.evs.server_calls import ServerCalls
from snapshots.evs.snapshot_calls import SnapshotCalls
from snapshots.evs.types import Quotas, quotas_from, snapshot_from
from snapshots.evs.volume_calls import VolumeCalls


class EvsClient(SnapshotCalls, VolumeCalls, ServerCalls):
    """A client for one unit of work with one cloud: cheap to build, its exchanges go to one
    recorder.

    Calls that do no harm when repeated (reading, updating) are sent again, after each of the
    `pauses_seconds`, when no answer, a server fault or throttling comes back; callers who schedule
    their own retries pass no pauses. Pages of a list after the first are sent again in any case.
    `purpose` says why requests are sent, for the recorder; by default each kind of call has its own
    purpose (that of a login is always "login"). `cause` is the id that the cloud's log names them
    by; by default each has the id of its record.

    Every method raises an EvsError when it does not succeed, and what the recorder raises.
    """

    def quotas(self) -> Quotas:
        """The project's limits and what it uses of them (page A-2073)."""
        call = Call(
            purpose="quota", path=self._connection.dialect.quota, query=(("usage", "True"),)
        )
        return read_answer(
            self._ask_patiently(call), lambda data: quotas_from(data.get("quota_set"))
        )

    def endpoint(self) -> str:
        """The address of all other calls, with the project's id; signs in if necessary."""
        return self._connection.base_url(self._grant())

    def ping(self) -> str:
        """Sign in and make the smallest call; returns a sentence that says what answered."""
        call = Call(purpose="ping", path=self._connection.dialect.list, query=(("limit", "1"),))
        read_answer(
            self._ask(call), lambda data: page_from(data, key="snapshots", read_row=snapshot_from)
        )
        where = self._connection.base_url(self._grant())
        return f"{self._connection.name}: {where} answers ({self._connection.dialect.name})"
