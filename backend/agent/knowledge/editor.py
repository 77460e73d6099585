"""Changing the knowledge base while calls go on: checked first, written at once or not at all.

Everything here reads and writes files: call it on a thread.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.agent.knowledge.checks import Problem
from backend.agent.knowledge.history import History, Version, fingerprint_of
from backend.agent.knowledge.load import find_problems, parse_knowledge, read_file
from backend.core.errors import KnowledgeError

OUTSIDE = "Changed in the file itself"
FIRST = "As it was found"


class StaleKnowledgeError(KnowledgeError):
    """Somebody else has changed the same thing meanwhile; nothing was written."""

    code = "conflict"


@dataclass(frozen=True, slots=True)
class Draft:
    """The knowledge base as it stands in the file."""

    text: str
    data: Any
    """The same, parsed."""
    fingerprint: str


Change = Callable[[Draft], str]
"""From the file as it is to the text it shall have. May raise KnowledgeError."""


class KnowledgeEditor:
    """One for the process; writers take turns."""

    def __init__(self, path: Path, history: History) -> None:
        self.path = path
        self.history = history
        self._lock = threading.Lock()

    def read(self) -> Draft:
        """The file as it is now. Raises KnowledgeError when it cannot be used as it is."""
        return self._draft(read_file(self.path))

    def check(self, text: str) -> list[Problem]:
        """Mistakes the file would have with this text. Raises KnowledgeError when it is no JSON."""
        return find_problems(text.encode(), self.path)

    def save(self, change: Change, who: str, what: str) -> Version:
        """Make one change. Raises KnowledgeError naming each mistake, StaleKnowledgeError."""
        with self._lock:
            old = read_file(self.path)
            new = change(self._draft(old)).encode()
            return self._replace(old, new, who, what)

    def replace(self, text: str, based_on: str, who: str, what: str) -> Version:
        """A whole new file, made from the version with the fingerprint `based_on`; empty: from
        none in particular. Raises KnowledgeError, StaleKnowledgeError."""
        with self._lock:
            old = read_file(self.path)
            if based_on and fingerprint_of(old) != based_on:
                raise StaleKnowledgeError(
                    "The file has been changed since you opened it; nothing was saved.",
                    fix="Your text is still below: compare it with the file as it is now.",
                )
            return self._replace(old, text.encode(), who, what)

    def restore(self, number: int, who: str) -> Version:
        """Go back to an earlier version. Raises KnowledgeError."""
        with self._lock:
            old, new = read_file(self.path), self.history.text(number)
            return self._replace(old, new, who, f"Back to version {number}")

    def note_outside_changes(self) -> None:
        """Keep the file as a version if it was edited elsewhere. Raises KnowledgeError."""
        with self._lock:
            self._note(read_file(self.path))

    def _replace(self, old: bytes, new: bytes, who: str, what: str) -> Version:
        parse_knowledge(new, self.path)
        self._note(old)
        version = self.history.add(new, who, what)
        if new != old:
            try:
                _write(self.path, new)
            except KnowledgeError:
                self.history.take_back(version)
                raise
        return version

    def _note(self, raw: bytes) -> None:
        is_first = not self.history.versions(1)
        self.history.add(raw, "", FIRST if is_first else OUTSIDE)

    def _draft(self, raw: bytes) -> Draft:
        parse_knowledge(raw, self.path)
        text = raw.decode("utf-8-sig")
        return Draft(text, json.loads(text), fingerprint_of(raw))


def mark_of(value: Any) -> str:
    """What an entry is recognised by as unchanged: of its content, not of how it is written."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def value_at(data: Any, path: Sequence[str | int]) -> Any:
    """The value at `path` of parsed JSON; None when it is not there."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _write(path: Path, raw: bytes) -> None:
    """Replace the file in one step, keeping its permissions."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as part:
                part.write(raw)
                part.flush()
                os.fsync(part.fileno())
            Path(name).chmod(path.stat().st_mode & 0o777)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise KnowledgeError(
            f"{path} cannot be written: {error.strerror}; nothing was changed.",
            fix="Check who owns the file and its folder, and whether the disk is full.",
        ) from error
