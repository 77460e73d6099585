"""Every version of the knowledge base that was saved or found, on disk, oldest forgotten first."""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from backend.core.errors import KnowledgeError

log = structlog.get_logger(__name__)

KEPT = 200
"""Versions kept; a knowledge base has some 50 kB."""
CONTEXT_LINES = 2
_NAME = re.compile(r"(\d{6})\.json")


@dataclass(frozen=True, slots=True)
class Version:
    """One version, without its text."""

    number: int
    """Counts from 1."""
    at: str
    """ISO 8601, UTC: when it was saved or found."""
    who: str
    """User name; empty for an edit outside the dashboard."""
    what: str
    """One line."""
    fingerprint: str
    """SHA-256 of the file."""

    @property
    def moment(self) -> datetime:
        """`at` as a moment."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of what changed."""

    kind: str
    """`added`, `removed`, `same` or `gap`."""
    text: str


class History:
    """Versions in one folder: `000012.json` is the file as it was, `000012.about` who and when."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._now = now

    def add(self, raw: bytes, who: str, what: str) -> Version:
        """Keep a version, unless it is the newest one already. Raises KnowledgeError."""
        fingerprint = fingerprint_of(raw)
        newest = next(iter(self.versions(1)), None)
        if newest is not None and newest.fingerprint == fingerprint:
            return newest
        number = newest.number + 1 if newest else 1
        at = self._now().isoformat(timespec="seconds")
        version = Version(number, at, who, what, fingerprint)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._text(number).write_bytes(raw)
            # Written last: a version without it does not count.
            self._about(number).write_text(json.dumps(asdict(version)), encoding="utf-8")
            self._forget(number - KEPT)
        except OSError as error:
            raise KnowledgeError(
                f"The version cannot be kept in {self._folder}: {error.strerror}; nothing was "
                "changed.",
                fix="Free some space, or check who owns that folder.",
            ) from error
        return version

    def take_back(self, version: Version) -> None:
        """Forget the newest version: it never came to be in use."""
        with suppress(OSError):
            self._forget(version.number)

    def versions(self, at_most: int = KEPT) -> list[Version]:
        """Newest first."""
        found: list[Version] = []
        for number in self._numbers():
            if len(found) == at_most:
                break
            try:
                about = json.loads(self._about(number).read_text(encoding="utf-8"))
                found.append(Version(**about))
            except (OSError, ValueError, TypeError):
                log.warning("knowledge-version-unreadable", number=number)
        return found

    def text(self, number: int) -> bytes:
        """The file as it was. Raises KnowledgeError when that version is not kept."""
        try:
            return self._text(number).read_bytes()
        except OSError as error:
            raise KnowledgeError(
                f"Version {number} is not kept any more.", fix=f"The last {KEPT} versions are."
            ) from error

    def diff(self, number: int) -> list[DiffLine]:
        """What a version changed; nothing for the first one kept.

        Raises KnowledgeError when it is not kept.
        """
        after = _lines(self.text(number))
        earlier = next((n for n in self._numbers() if n < number), None)
        return list(_diff(_lines(self.text(earlier)), after)) if earlier is not None else []

    def _numbers(self) -> list[int]:
        names = [_NAME.fullmatch(path.name) for path in self._folder.glob("*.json")]
        return sorted((int(name[1]) for name in names if name), reverse=True)

    def _forget(self, number: int) -> None:
        self._text(number).unlink(missing_ok=True)
        self._about(number).unlink(missing_ok=True)

    def _text(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"

    def _about(self, number: int) -> Path:
        return self._folder / f"{number:06}.about"


def fingerprint_of(raw: bytes) -> str:
    """What tells versions apart; also `Knowledge.fingerprint`."""
    return hashlib.sha256(raw).hexdigest()


def _lines(raw: bytes) -> list[str]:
    return raw.decode("utf-8-sig", errors="replace").splitlines()


def _diff(before: list[str], after: list[str]) -> Iterator[DiffLine]:
    kinds = {"+": "added", "-": "removed", " ": "same"}
    lines = difflib.unified_diff(before, after, lineterm="", n=CONTEXT_LINES)
    for place, line in enumerate(lines):
        if place < 2:  # the names of the files
            continue
        if line.startswith("@@"):
            yield DiffLine("gap", "…")
        else:
            yield DiffLine(kinds[line[0]], line[1:])
