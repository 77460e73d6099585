"""Writing to a terminal that nobody may be reading: one stopped by Ctrl-S, a pipe that is full."""

import atexit
import io
import os
import queue
import threading
import time

MOST_WAITING = 1000
"""Pieces of text kept for a terminal that does not take them; what comes after those is lost."""
LAST_WORDS_S = 0.5
"""How long the end of the process waits for what is still to be written."""


class PatientStream(io.TextIOBase):
    """A text stream whose `write` never blocks: a thread does the writing.

    `fd`: a file descriptor. A Python stream has a lock, for which the end of the process would wait
    as long as the thread waits for the terminal.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting: queue.Queue[str] = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._write_all, name="terminal", daemon=True).start()
        atexit.register(self._finish)

    def isatty(self) -> bool:
        """Whether it is somebody's terminal."""
        return os.isatty(self._fd)

    def write(self, text: str) -> int:
        """Text to be written as soon as the terminal takes it."""
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            return 0
        return len(text)

    def _write_all(self) -> None:
        while True:
            text = self._waiting.get()
            try:
                rest = text.encode(errors="replace")
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError:
                pass  # The terminal is gone; the log file has everything.
            finally:
                self._waiting.task_done()

    def _finish(self) -> None:
        until_s = time.monotonic() + LAST_WORDS_S
        while self._waiting.unfinished_tasks and time.monotonic() < until_s:
            time.sleep(0.01)
