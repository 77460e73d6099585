"""Dashboards without their pages: connections that follow all calls, as many as wanted.

Run as `python -m backend.cli.dashboard_watchers HOST PORT COUNT` with an API key as the first line
of standard input. Ends with its input and prints what they got as JSON. A process of its own, and
one that lets the bot go first: browsers run on other machines.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress

_NICE = 10
_EVENT = b"event: call"


class Watchers:
    """Counts what all of them are sent."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._request = (
            "GET /api/calls/events HTTP/1.1\r\n"
            f"Host: {host}:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
        ).encode()
        self.events = 0
        self.octets = 0

    async def watch(self) -> None:
        """Follow until cancelled, and come again when the server ends it, as browsers do.

        Raises OSError when nobody is there, ValueError for another answer than a stream.
        """
        while True:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(self._request)
                status = await reader.readline()
                if b" 200 " not in status:
                    raise ValueError(status.decode("latin-1").strip())
                with suppress(asyncio.IncompleteReadError):
                    while line := await reader.readline():
                        self.octets += len(line)
                        self.events += line.startswith(_EVENT)
            finally:
                writer.close()


async def _main(host: str, port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    key = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
    watchers = Watchers(host, port, key)
    tasks = [asyncio.create_task(watchers.watch()) for _ in range(count)]
    over = loop.run_in_executor(None, sys.stdin.read)
    await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
    broken = [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if broken:
        raise SystemExit(f"A dashboard was refused: {broken[0]}")
    print(json.dumps({"events": watchers.events, "megabytes": watchers.octets / 2**20}))


if __name__ == "__main__":
    os.nice(_NICE)
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
