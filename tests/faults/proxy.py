"""The proxy between portal and cloud: passes most on, breaks the rest as it is drawn.

One thread with an event loop of its own. Everything it saw stays in `seen`, for the judge.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.faults import answers
from tests.faults.plan import CLEAN, Act, AtOnce, Drawer, Fault, Kind, Moment, Violence
from tests.faults.wire import Request, forward, read_request
from tests.ports import free_port

LOOPBACK = "127.0.0.1"
RECORDED_AFTER_SECONDS = 0.03
_RST = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass
class Seen:
    """One request that reached the proxy, and what was done with it."""

    number: int
    at: float
    kind: Kind
    method: str
    target: str
    marker: str
    rolled_back: str = ""
    fault: Fault = CLEAN
    violence: Violence | None = None
    status: int | None = None  # the cloud's own, where it was carried out
    carried_out_at: float = 0.0
    trouble: str = ""  # the proxy's own


@dataclass(frozen=True)
class Times:
    """How long things take, fitting the portal's own limits."""

    give_up_seconds: float  # after this the portal has given up for certain
    late_seconds: tuple[float, float]
    refuse_seconds: float = 0.03


class Striker(Protocol):
    """Who knows the workers and does violence to them."""

    def speaker(self, port: int) -> int | None: ...

    def strike(self, pid: int | None, violence: Violence) -> None: ...


Route = Callable[[Request], tuple[Request, tuple[str, int]]]


class Proxy:
    """Listens on a free port of loopback from `start` to `stop`."""

    def __init__(
        self,
        route: Route,  # what to send to the cloud for a request, and where
        drawer: Drawer,
        times: Times,
        nursery: Striker,
    ) -> None:
        self._route = route
        self._drawer = drawer
        self._times = times
        self._nursery = nursery
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = free_port()
        self.faulty = False
        self.dark = False
        self.seen: list[Seen] = []
        self.connections = 0
        self.refusals = 0
        self.resets = 0
        self.pending = 0  # requests still to be delivered late

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def refuse(self, seconds: float | None = None) -> None:
        """Nobody listens for a while: connections are refused by the kernel itself."""
        pause = seconds or self._times.refuse_seconds
        asyncio.run_coroutine_threadsafe(self._refuse(pause), self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, LOOPBACK, self.port, backlog=256, limit=2**20
        )

    async def _refuse(self, seconds: float) -> None:
        if self._server is None:
            return  # it is refusing already
        self._server.close()
        self._server = None
        self.refusals += 1
        await asyncio.sleep(seconds)
        while self._server is None:
            try:
                await self._listen()
            except OSError:  # somebody has the port for a moment
                await asyncio.sleep(0.05)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # --- one connection ---------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._keep_task()
        port = writer.get_extra_info("peername")[1]
        try:
            if self.faulty and self._breaks_at_once(writer, port):
                return
            while (request := await read_request(reader)) is not None:
                if not await self._exchange(request, reader, writer, port):
                    break
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the run ends
        finally:
            writer.close()

    def _keep_task(self) -> None:
        """The loop knows its tasks only weakly: one that waits may be collected as rubbish."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _breaks_at_once(self, writer: asyncio.StreamWriter, port: int) -> bool:
        """Whether the connection ends here, before a byte of it was read."""
        what, violence = self._drawer.connection()
        if violence is not None:
            self._nursery.strike(self._nursery.speaker(port), violence)
        if what is AtOnce.REFUSE:
            self.refuse()
        elif what is AtOnce.RESET:
            self.resets += 1
            _reset(writer)
            return True
        return violence is not None and not violence.freeze

    async def _exchange(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: int,
    ) -> bool:
        """Whether the connection stays open."""
        seen = self._note(request)
        # Now, while the connection is certainly open.
        speaker = self._nursery.speaker(port) if seen.violence else None
        self._hit(Moment.ARRIVED, seen, speaker)
        good = None
        if seen.fault.act is Act.LATE:
            self._deliver_late(request, seen)
        elif seen.fault.executed:
            good = await self._carry_out(request, seen)
            if good is None:
                return False
        self._hit(Moment.EXECUTED, seen, speaker)
        stays = await self._answer(seen, good, reader, writer)
        self._hit(Moment.ANSWERED, seen, speaker)
        if seen.violence and seen.violence.moment is Moment.RECORDED:
            await asyncio.sleep(RECORDED_AFTER_SECONDS)
            self._hit(Moment.RECORDED, seen, speaker)
        return stays

    def _note(self, request: Request) -> Seen:
        kind = request.kind
        seen = Seen(
            number=len(self.seen),
            at=time.time(),
            kind=kind,
            method=request.method,
            target=request.target,
            marker=request.marker,
            rolled_back=request.rolled_back,
        )
        if self.faulty:
            seen.fault = self._drawer.fault(kind)
            seen.violence = self._drawer.violence(kind)
        elif self.dark:
            seen.fault = self._drawer.dark()
        self.seen.append(seen)
        return seen

    def _hit(self, moment: Moment, seen: Seen, speaker: int | None) -> None:
        if seen.violence and seen.violence.moment is moment:
            self._nursery.strike(speaker, seen.violence)

    async def _carry_out(self, request: Request, seen: Seen) -> bytes | None:
        try:
            seen.status, good = await forward(*self._route(request))
            seen.carried_out_at = time.time()
        except OSError as error:
            seen.trouble = f"{type(error).__name__}: {error}"
            return None
        return good

    def _deliver_late(self, request: Request, seen: Seen) -> None:
        async def later() -> None:
            try:
                await asyncio.sleep(wait)
                await self._carry_out(request, seen)
            finally:
                self.pending -= 1

        wait = self._drawer.seconds(seen.kind, *self._times.late_seconds)
        self.pending += 1
        task = asyncio.create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what the client gets -----------------------------------------------------------------

    async def _answer(
        self,
        seen: Seen,
        good: bytes | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        match seen.fault.act:
            case Act.WORDS:
                await _send(writer, answers.wrong(seen.fault.answer, good))
                return not answers.ends_the_connection(seen.fault.answer)
            case Act.RESET:
                _reset(writer)
            case Act.HANG:
                await self._until_client_left(reader)
            case Act.CUT_WITHIN:
                await _send(writer, _part(good or b"", seen))
            case Act.DELAY:
                await self._until_client_left(reader)
                await _send(writer, good or b"")
            case Act.DRIP:
                await self._drip(writer, good or b"")
            case Act.PASS | Act.DROP:
                await _send(writer, good or b"")
                return seen.fault.act is Act.PASS
            case Act.CUT | Act.LATE:
                pass
        return False

    async def _until_client_left(self, reader: asyncio.StreamReader) -> None:
        """Wait until the client disconnects: it has then passed its deadline."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), self._times.give_up_seconds)

    async def _drip(self, writer: asyncio.StreamWriter, good: bytes) -> None:
        end = time.monotonic() + self._times.give_up_seconds
        for number in range(len(good) - 1):
            await _send(writer, good[number : number + 1])
            await asyncio.sleep(0.1)
            if time.monotonic() > end:
                return


def _part(good: bytes, seen: Seen) -> bytes:
    """Cut anywhere: in the status line, the headers or the body; never after the last byte."""
    share = random.Random(seen.number).random()
    return good[: int(share * (len(good) - 1))]


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
    writer.transport.abort()
