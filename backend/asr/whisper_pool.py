"""Threads that decode utterances for all calls: fairly, what is waited for first, never too much.

CTranslate2 lets go of the interpreter's lock while it computes, so threads are true parallelism.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from backend.asr.whisper_queue import FairQueue, LoadMeter
from backend.core.errors import EngineError
from backend.core.speech import Transcript

MOST_WAIT_S = 1.5
"""Nobody is let into a queue that lasts longer than this: a caller who hears nothing for two
seconds speaks again, and that makes it longer still."""
WAITING_PER_WORKER = 8
"""And never more than this, while it is not known yet how long a decode takes."""
OVERLOADED_WAIT_S = 0.75
OVERLOADED_SHARE = 0.75
"""From this use of the workers on, random arrivals queue for longer than they are decoded."""
REFUSED_FOR_S = 5.0
"""How long after turning somebody away the pool says that it is overloaded."""
HORIZON_S = 20.0
"""What "lately" means for the load: a few turns of each call."""
ROLLING_SHARE = 0.3
"""Of the workers' time, what passes that nobody waits for may take: the PBX, turn-taking and
synthesis share the processor."""
ROLLING_BELOW_SHARE = 0.5
"""Above this load of answers they are left out altogether."""
MEAN_WEIGHT = 0.2
"""Of the newest decode in the mean of what a decode takes."""

Work = Callable[[], Transcript]


class BusyError(EngineError):
    """The recogniser has more to do than it can do in time: let another one answer."""

    code: ClassVar[str] = "engine-busy"


class Urgency(IntEnum):
    """Most urgent first. None of a lower kind begins while one of a higher waits."""

    ANSWER = 0
    """Somebody is waiting for the result."""
    PAUSE = 1
    """The caller has fallen silent: on speculation that this was all."""
    ROLLING = 2
    """While the caller speaks, for the words so far."""


@dataclass(eq=False, slots=True)
class Job:
    """One pass waiting for a thread, or on one."""

    work: Work
    owner: Hashable
    urgency: Urgency
    future: "Future[Transcript]" = field(default_factory=Future)


class DecodingPool:
    """A fair queue for each urgency, bounded together, and the threads that empty them."""

    def __init__(
        self,
        workers: int,
        name: str = "whisper",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = workers
        self._name = name
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[Urgency, FairQueue[Job]] = {one: FairQueue() for one in Urgency}
        self._running: list[Job] = []
        self._threads: list[threading.Thread] = []
        self._is_open = False
        self._mean_s = 0.0
        """What a decode takes, rolling ones left out; 0 before the first."""
        self._answers = LoadMeter(workers, HORIZON_S)
        self._rolling = LoadMeter(workers, HORIZON_S)
        self._refused_at_s = -math.inf

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

    def submit(self, owner: Hashable, work: Work, urgency: Urgency) -> Job:
        """Queue work. Raises BusyError when too much waits, EngineError when the pool is closed.

        Where there is no room an ANSWER takes the place of what is less urgent, then of a job of
        whoever has most waiting.
        """
        job = Job(work, owner, urgency)
        with self._changed:
            if not self._is_open:
                raise EngineError("The recogniser is not running.")
            if self._total_waiting() >= self._room() and not self._make_room(job):
                if urgency is Urgency.ANSWER:
                    self._refused_at_s = self._clock()
                raise _busy()
            self._waiting[urgency].push(owner, job)
            self._changed.notify()
        return job

    @property
    def has_room_to_roll(self) -> bool:
        """Whether a rolling pass would start at once and take nothing from anybody.

        One worker is left to those who wait, if there are two.
        """
        with self._changed:
            now_s = self._clock()
            rolling = sum(job.urgency is Urgency.ROLLING for job in self._running)
            return (
                self._is_open
                and not self._total_waiting()
                and len(self._running) < self._workers
                and rolling < max(1, self._workers - 1)
                and self._rolling.share(now_s) < ROLLING_SHARE
                and self._answers.share(now_s) < ROLLING_BELOW_SHARE
            )

    @property
    def expected_wait_s(self) -> float:
        """How long work that somebody waits for would stay in the queue, begun now."""
        with self._changed:
            return self._expected_wait_s()

    @property
    def is_overloaded(self) -> bool:
        """Whether another call would make the ones that are here wait."""
        with self._changed:
            now_s = self._clock()
            return (
                now_s - self._refused_at_s < REFUSED_FOR_S
                or self._answers.share(now_s) > OVERLOADED_SHARE
                or self._expected_wait_s() > OVERLOADED_WAIT_S
            )

    def make_urgent(self, job: Job) -> None:
        """Somebody waits for it now."""
        with self._changed:
            if self._waiting[job.urgency].remove(job.owner, job):
                self._waiting[Urgency.ANSWER].push(job.owner, job)
            job.urgency = Urgency.ANSWER

    def cancel(self, job: Job) -> None:
        """Forget a job. One that is being decoded runs to its end, unheard."""
        with self._changed:
            self._waiting[job.urgency].remove(job.owner, job)
        job.future.cancel()

    async def aclose(self) -> None:
        """Cancel what waits, let running decodes end, and join the threads."""
        with self._changed:
            self._is_open = False
            waiting = [job for queue in self._waiting.values() for job in queue]
            self._waiting = {one: FairQueue() for one in Urgency}
            self._changed.notify_all()
        for job in waiting:
            job.future.cancel()
        threads, self._threads = self._threads, []
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _total_waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _room(self) -> int:
        """How many may wait."""
        if not self._mean_s:
            return self._workers * WAITING_PER_WORKER
        in_time = math.floor(MOST_WAIT_S / self._mean_s)
        return self._workers * min(WAITING_PER_WORKER, max(1, in_time))

    def _expected_wait_s(self) -> float:
        ahead = len(self._waiting[Urgency.ANSWER]) + len(self._running) - (self._workers - 1)
        return max(0, ahead) * self._mean_s / self._workers

    def _make_room(self, job: Job) -> bool:
        """Give up the youngest of what is less urgent, else of who has two more waiting."""
        for urgency in reversed(Urgency):
            if urgency > job.urgency and self._waiting[urgency]:
                self._waiting[urgency].drop_youngest().future.cancel()
                return True
        queue = self._waiting[job.urgency]
        if job.urgency is not Urgency.ANSWER:
            return False
        greedy, waiting = queue.longest()
        if waiting < queue.waiting_of(job.owner) + 2:
            return False
        dropped = queue.drop_youngest(greedy)
        if dropped.future.set_running_or_notify_cancel():
            dropped.future.set_exception(_busy())
        self._refused_at_s = self._clock()
        return True

    def _next(self) -> Job | None:
        """The next job; None when the pool is closed."""
        with self._changed:
            while self._is_open and not self._total_waiting():
                self._changed.wait()
            for queue in self._waiting.values():
                if queue:
                    job = queue.pop()
                    self._running.append(job)
                    return job
            return None

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            if job.future.set_running_or_notify_cancel():
                began_s = self._clock()
                try:
                    result = job.work()
                except Exception as error:  # the thread serves other calls too
                    self._done(job, began_s)
                    job.future.set_exception(error)
                else:
                    self._done(job, began_s)
                    job.future.set_result(result)
            else:
                self._done(job, None)
            # Held here until the next job comes, the audio would stay in memory with it.
            del job

    def _done(self, job: Job, began_s: float | None) -> None:
        """Keep the books, before anybody hears of the result."""
        with self._changed:
            self._running.remove(job)
            if began_s is None:
                return
            now_s = self._clock()
            took_s = now_s - began_s
            if job.urgency is Urgency.ROLLING:
                self._rolling.add(took_s, now_s)
                return
            self._answers.add(took_s, now_s)
            self._mean_s += (took_s - self._mean_s) * (MEAN_WEIGHT if self._mean_s else 1.0)


def _busy() -> BusyError:
    return BusyError(
        "The recogniser is busy: too many callers spoke at the same moment.",
        fix="Raise FRONTDESK_ASR_WORKERS, use a smaller model, or lower FRONTDESK_MAX_CALLS.",
    )
