"""The documents in use: read when they change, kept when they cannot be read any more."""

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import structlog

from backend.agent.documents.child import read_in_child
from backend.agent.documents.folder import Entry, digest, entries, open_document
from backend.agent.documents.passages import PASSAGES_VERSION
from backend.agent.knowledge.facts import Fact
from backend.core.errors import DocumentError

log = structlog.get_logger(__name__)

Read = Callable[[str, BinaryIO], Awaitable[list[Fact]]]


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the folder."""

    name: str
    key: str = ""
    """Of its content: passages and vectors are kept under it."""
    facts: tuple[Fact, ...] = ()
    """Its passages. With `problem`, those of the version before, if there was one."""
    problem: str = ""
    """Why it, or its newest version, cannot be used: a sentence without its subject."""
    fix: str = ""

    @property
    def complaint(self) -> str:
        """`problem` and `fix` as a person reads them; empty when all is well."""
        return f"{self.name} {self.problem}. {self.fix}".strip() if self.problem else ""


class Shelf:
    """Looks at the folder when told to. Passages are kept in `cache_dir`, so that only what is
    new is ever read."""

    def __init__(self, folder: Path, cache_dir: Path, *, read: Read = read_in_child) -> None:
        self._folder = folder
        self._cache_dir = cache_dir
        self._read = read
        self._stamps: dict[str, tuple[int, int, int]] = {}
        """Of what was last looked at, and of what was last read."""
        self._read_stamps: dict[str, tuple[int, int, int]] = {}
        self._looked = False
        self.documents: tuple[Document, ...] = ()
        self.trouble = ""
        """Why the folder as a whole cannot be looked at."""

    async def recall(self) -> None:
        """Take what was read before and is unchanged: milliseconds. The rest waits for `look`."""
        with contextlib.suppress(DocumentError, OSError):
            for entry in await asyncio.to_thread(entries, self._folder):
                document = await asyncio.to_thread(self._recalled, entry)
                if document is not None:
                    self.documents += (document,)
                    self._read_stamps[entry.name] = entry.stamp

    def _recalled(self, entry: Entry) -> Document | None:
        try:
            with open_document(self._folder, entry) as file:
                key = _key(entry.name, digest(file))
        except (DocumentError, OSError):
            return None
        facts = self._kept(key)
        return None if facts is None else Document(entry.name, key, facts)

    async def look(self) -> bool:
        """Read what is new; True when `documents` changed.

        A file is read once it has stayed as it is from one look to the next: it may still be
        being copied. The first look takes everything as it is.
        """
        try:
            found = await asyncio.to_thread(entries, self._folder)
        except (DocumentError, OSError) as error:
            if not self.trouble:
                log.warning("documents-not-looked-at", reason=str(error))
            self.trouble = str(error)
            return False
        self.trouble = ""
        known = {document.name: document for document in self.documents}
        now: dict[str, Document] = {}
        for entry in found:
            before = known.get(entry.name)
            settled = not self._looked or self._stamps.get(entry.name) == entry.stamp
            if settled and self._read_stamps.get(entry.name) != entry.stamp:
                now[entry.name] = await self._document(entry, before)
                self._read_stamps[entry.name] = entry.stamp
            elif before is not None:
                now[entry.name] = before
        self._stamps = {entry.name: entry.stamp for entry in found}
        self._read_stamps = {n: s for n, s in self._read_stamps.items() if n in self._stamps}
        self._looked = True
        changed = now != known
        self.documents = tuple(now.values())
        return changed

    async def _document(self, entry: Entry, before: Document | None) -> Document:
        name = entry.name
        try:
            file = await asyncio.to_thread(open_document, self._folder, entry)
            with file:
                key = _key(name, await asyncio.to_thread(digest, file))
                facts = await asyncio.to_thread(self._kept, key)
                if facts is None:
                    facts = tuple(await self._read(name, file))
                    await asyncio.to_thread(self._keep, key, facts)
        except (DocumentError, OSError) as error:
            problem = (
                error
                if isinstance(error, DocumentError)
                else DocumentError(f"could not be read: {error.strerror or error}")
            )
            log.warning("document-skipped", document=name, reason=problem.message)
            kept = before or Document(name)
            return replace(kept, problem=problem.message, fix=problem.fix)
        log.info("document-read", document=name, passages=len(facts))
        return Document(name, key, facts)

    def _kept(self, key: str) -> tuple[Fact, ...] | None:
        try:
            rows = json.loads((self._cache_dir / f"{key}.json").read_text(encoding="utf-8"))
            return tuple(Fact(text, source, about) for text, source, about in rows)
        except (OSError, ValueError, TypeError):
            return None

    def _keep(self, key: str, facts: tuple[Fact, ...]) -> None:
        rows = json.dumps([(fact.text, fact.source, fact.about) for fact in facts])
        write_whole(self._cache_dir / f"{key}.json", rows.encode())


def _key(name: str, content: str) -> str:
    return hashlib.sha256(f"{PASSAGES_VERSION} {name} {content}".encode()).hexdigest()[:32]


def write_whole(path: Path, data: bytes) -> None:
    """All of it or nothing. A full disk costs the copy only: it is made again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        log.warning("document-copy-not-kept", file=path.name, reason=str(error))
