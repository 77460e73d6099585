"""Threads that decode utterances for all calls, first come first served, and never too many.

CTranslate2 lets go of the interpreter's lock while it computes, so threads are true parallelism.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from backend.core.errors import EngineError
from backend.core.speech import Transcript

WAITING_PER_WORKER = 8
"""Utterances that may wait for each thread; whoever comes later would be answered too late."""

Work = Callable[[], Transcript]


@dataclass(eq=False, slots=True)
class Job:
    """One utterance waiting for a thread, or on one."""

    work: Work
    urgent: bool
    """Somebody is waiting for the result. The others are decoded on speculation."""
    future: "Future[Transcript]" = field(default_factory=Future)


class DecodingPool:
    """A bounded queue and the threads that empty it: urgent jobs first, oldest first."""

    def __init__(self, workers: int, name: str = "whisper") -> None:
        self._workers = workers
        self._name = name
        self._max_waiting = workers * WAITING_PER_WORKER
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._is_open = False

    def start(self) -> None:
        """Start the threads."""
        with self._changed:
            if self._is_open:
                return
            self._is_open = True
        for number in range(self._workers):
            # Daemons: a process that forgets `aclose` must still be able to end.
            name = f"{self._name}-{number}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def submit(self, work: Work, *, urgent: bool) -> Job:
        """Queue work. Raises EngineError when too much is waiting or the pool is closed."""
        job = Job(work, urgent)
        with self._changed:
            if not self._is_open:
                raise EngineError("The recogniser is not running.")
            if len(self._waiting) >= self._max_waiting and not (
                urgent and self._drop_speculation()
            ):
                raise EngineError(
                    "The recogniser is busy: too many callers spoke at the same moment.",
                    fix="Raise FRONTDESK_ASR_WORKERS, or use a smaller model.",
                )
            self._waiting.append(job)
            self._changed.notify()
        return job

    def make_urgent(self, job: Job) -> None:
        """Somebody waits for it now. It keeps the place that its age gives it."""
        with self._changed:
            job.urgent = True

    def cancel(self, job: Job) -> None:
        """Forget a job. One that is being decoded runs to its end, unheard."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
        job.future.cancel()

    async def aclose(self) -> None:
        """Cancel what waits, let running decodes end, and join the threads."""
        with self._changed:
            self._is_open = False
            waiting = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for job in waiting:
            job.future.cancel()
        threads, self._threads = self._threads, []
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _drop_speculation(self) -> bool:
        """Make room by giving up the youngest speculation."""
        for job in reversed(self._waiting):
            if not job.urgent:
                self._waiting.remove(job)
                job.future.cancel()
                return True
        return False

    def _next(self) -> Job | None:
        """The next job; None when the pool is closed."""
        with self._changed:
            while self._is_open and not self._waiting:
                self._changed.wait()
            if not self._waiting:
                return None
            job = next((job for job in self._waiting if job.urgent), self._waiting[0])
            self._waiting.remove(job)
            return job

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                result = job.work()
            except Exception as error:  # the thread serves other calls too
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
            # Held here until the next job comes, the audio would stay in memory with it.
            del job
