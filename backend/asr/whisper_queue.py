"""In which order the calls' work is done, and how busy that keeps the workers. No threads here."""

import itertools
import math
from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Everybody's jobs in turn: who has many waiting delays nobody else's by more than one.

    Fair queueing on virtual time (Demers, Keshav and Shenker, 1989), every job costing the same, as
    Whisper's do: it hears 30 s however short the utterance is.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[T]] = {}
        self._starts: dict[Hashable, float] = {}
        """By owner: the virtual time at which their next job may start."""
        self._age: dict[T, int] = {}
        self._numbers = itertools.count()
        self._now = 0.0
        """Virtual: how many jobs each would have got by now, had all got the same."""

    def __len__(self) -> int:
        return len(self._age)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._age))

    def push(self, owner: Hashable, job: T) -> None:
        """Put a job behind the others of its owner."""
        jobs = self._waiting.setdefault(owner, deque())
        if not jobs:
            self._starts[owner] = max(self._now, self._starts.get(owner, 0.0))
        jobs.append(job)
        self._age[job] = next(self._numbers)

    def pop(self) -> T:
        """Take the job whose turn it is. Raises IndexError when there is none."""
        if not self._age:
            raise IndexError("nothing is waiting")
        owner = min(self._waiting, key=lambda o: (self._starts[o], self._age[self._waiting[o][0]]))
        job = self._waiting[owner][0]
        # That it moves with every job keeps newcomers from being served first for ever.
        self._now = max(self._now + 1 / len(self._waiting), self._starts[owner])
        self._starts[owner] += 1
        self._forget(owner, job)
        return job

    def remove(self, owner: Hashable, job: T) -> bool:
        """Take a job out, as if it had never been there; False when it is not."""
        if job not in self._age:
            return False
        self._forget(owner, job)
        return True

    def longest(self) -> tuple[Hashable, int]:
        """Who has most waiting, and how many. Raises ValueError when nobody has."""
        owner = max(self._waiting, key=lambda o: len(self._waiting[o]))
        return owner, len(self._waiting[owner])

    def waiting_of(self, owner: Hashable) -> int:
        """How many jobs of this owner wait."""
        return len(self._waiting.get(owner, ()))

    def drop_youngest(self, owner: Hashable | None = None) -> T:
        """Take out the job that came last, of this owner or of all. Raises ValueError without."""
        jobs = self._waiting.get(owner, ()) if owner is not None else self._age
        job = max(jobs, key=lambda one: self._age[one])
        self._forget(next(o for o, theirs in self._waiting.items() if job in theirs), job)
        return job

    def _forget(self, owner: Hashable, job: T) -> None:
        del self._age[job]
        self._waiting[owner].remove(job)
        if not self._waiting[owner]:
            del self._waiting[owner]
        # Whoever's start has come is as good as new: nothing need be remembered of them.
        for other in [o for o, start in self._starts.items() if start <= self._now]:
            if other not in self._waiting:
                del self._starts[other]


class LoadMeter:
    """The share of the workers' time that work took lately: an exponentially fading mean."""

    def __init__(self, workers: int, horizon_s: float) -> None:
        self._capacity_s = workers * horizon_s
        self._horizon_s = horizon_s
        self._work_s = 0.0
        self._at_s = -math.inf

    def add(self, work_s: float, at_s: float) -> None:
        """Work that ended at this time, on a clock that only moves forward."""
        self._work_s = self._faded(at_s) + work_s
        self._at_s = at_s

    def share(self, at_s: float) -> float:
        """0 is idle; workers without a break give 1."""
        return self._faded(at_s) / self._capacity_s

    def _faded(self, at_s: float) -> float:
        return self._work_s * math.exp(-max(0.0, at_s - self._at_s) / self._horizon_s)
