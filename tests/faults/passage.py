"""The way of all processes to the broker, which can be closed to one of them: its connections stay
open, and no byte passes.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable

_HOST = "127.0.0.1"


class Passage:
    """Passes connections on to this port, from construction until `stop`."""

    def __init__(self, port: int, owner_of: Callable[[int], int | None]) -> None:
        """`owner_of` says which process has the other end of a connection, by its port."""
        self._target, self._owner_of = port, owner_of
        self._closed_to: int | None = None
        self._opened = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._pass, _HOST, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close_to(self, pid: int) -> None:
        self._closed_to = pid

    def open(self) -> None:
        """What was held back goes on."""
        self._closed_to = None
        self._loop.call_soon_threadsafe(self._opened.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _pass(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        pid = self._owner_of(back.get_extra_info("peername")[1])
        with contextlib.closing(back), contextlib.suppress(OSError):
            far, there = await asyncio.open_connection(_HOST, self._target)
            with contextlib.closing(there):
                pumps = self._pump(near, there, pid), self._pump(far, back, pid)
                await asyncio.wait(
                    [asyncio.create_task(pump) for pump in pumps],
                    return_when=asyncio.FIRST_COMPLETED,
                )

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pid: int | None
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                while pid is not None and pid == self._closed_to:
                    self._opened.clear()
                    await self._opened.wait()
                sink.write(piece)
                await sink.drain()
