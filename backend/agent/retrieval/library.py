"""Everything questions are answered from, kept up to date while calls go on."""

import asyncio
import contextlib
import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from backend.agent.documents.shelf import Document, Shelf, write_whole
from backend.agent.intents.encoder import Encoder, Vectors
from backend.agent.knowledge.facts import Fact, facts_of
from backend.agent.knowledge.model import Knowledge
from backend.agent.retrieval.index import FactIndex
from backend.agent.retrieval.vectors import UNITS_VERSION, FactVectors, units_of
from backend.core.errors import DocumentError

log = structlog.get_logger(__name__)

CHECK_S = 2.0
"""How often the folder is looked at; one `stat` for each file."""
MOST_PASSAGES = 20_000
"""In all documents together: 300 MB of vectors, and 30 ms a question."""
_AT_ONCE = 2000
"""Texts encoded by one process: what is done is kept when we are stopped."""

EncodeAll = Callable[[Sequence[str]], Awaitable[Vectors]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Facts that are encoded and kept together: those of one document, or the knowledge base's."""

    key: str
    facts: tuple[Fact, ...]


class Library:
    """The documents of one folder beside the facts of the knowledge base.

    `encoder` encodes questions and `encode_all` passages, off the event loop; without them facts
    are found by words alone. `warn(code, message)` is told once about each document that cannot
    be used.
    """

    def __init__(
        self,
        shelf: Shelf,
        cache_dir: Path,
        warn: Callable[[str, str], None],
        *,
        encoder: Encoder | None = None,
        encode_all: EncodeAll | None = None,
    ) -> None:
        self._shelf = shelf
        self._cache_dir = cache_dir
        self._warn = warn
        self._encoder = encoder if encode_all else None
        self._encode_all = encode_all
        self._vectors: dict[str, Vectors] = {}
        self._told: frozenset[str] = frozenset()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def documents(self) -> tuple[Document, ...]:
        """What is in the folder, with what is wrong with it."""
        return self._shelf.documents

    @property
    def found_by(self) -> str:
        """What facts are found by, in words."""
        return "words and meaning" if self._encoder else "words alone"

    @property
    def complaints(self) -> tuple[str, ...]:
        """A sentence for everything that cannot be used."""
        trouble = (self._shelf.trouble,) if self._shelf.trouble else ()
        shown = tuple(document.complaint for document in self.documents if document.problem)
        left_out = len(self._left_out())
        over = f"{left_out} documents are left out: there are over {MOST_PASSAGES} passages in all."
        return (*trouble, *shown, *((over,) if left_out else ()))

    def index(self, knowledge: Knowledge) -> FactIndex:
        """Of everything there is now. Up to seconds of computing: call it in a thread."""
        groups = list(self._groups(knowledge))
        facts = [fact for group in groups for fact in group.facts]
        known = {group.key: self._known_vectors(group) for group in groups}
        width = next((v.shape[1] for v in known.values() if v is not None and len(v)), 0)
        if not width:
            return FactIndex(facts)
        parts = [
            FactVectors.none(group.facts, width)
            if (vectors := known[group.key]) is None
            else FactVectors.of(group.facts, vectors)
            for group in groups
        ]
        return FactIndex(facts, FactVectors.joined(parts), self._encoder)

    def _known_vectors(self, group: _Group) -> Vectors | None:
        if self._encoder is None:
            return None
        vectors = self._vectors.get(group.key)
        return self._kept_vectors(group) if vectors is None else vectors

    def _kept_vectors(self, group: _Group) -> Vectors | None:
        vectors = _read_vectors(self._vector_file(group.key))
        wanted = sum(len(units_of(fact)) for fact in group.facts)
        return vectors if vectors is not None and len(vectors) == wanted else None

    def _groups(self, knowledge: Knowledge) -> Iterator[_Group]:
        facts = facts_of(knowledge)
        rows = json.dumps([(fact.text, fact.about) for fact in facts])
        yield _Group(hashlib.sha256(rows.encode()).hexdigest()[:32], facts)
        left_out = self._left_out()
        for document in self.documents:
            if document.facts and document.name not in left_out:
                yield _Group(document.key, document.facts)

    def _left_out(self) -> frozenset[str]:
        room, names = MOST_PASSAGES, []
        for document in self.documents:
            room -= len(document.facts)
            if room < 0:
                names.append(document.name)
        return frozenset(names)

    async def recall(self) -> None:
        """Take what was read and encoded before: the first call is answered from it."""
        await self._shelf.recall()

    async def read(self) -> None:
        """Look at the folder once, without encoding anything."""
        await self._shelf.look()

    async def refresh(self, knowledge: Knowledge, publish: Callable[[], Awaitable[None]]) -> None:
        """Look at the folder once; `publish` when what `index` makes is another.

        New passages are found by words as soon as they are read, by meaning once encoded.
        """
        if await self._shelf.look():
            self._tell()
            await publish()
            keys = {group.key for group in self._groups(knowledge)}
            await asyncio.to_thread(self._forget_others, keys)
        if await self._encode_missing(knowledge):
            await publish()

    def _tell(self) -> None:
        complaints = frozenset(self.complaints)
        for complaint in sorted(complaints - self._told):
            self._warn("document", complaint)
        self._told = complaints

    async def _encode_missing(self, knowledge: Knowledge) -> bool:
        if self._encoder is None:
            return False
        groups = list(self._groups(knowledge))
        keys = {group.key for group in groups}
        self._vectors = {key: kept for key, kept in self._vectors.items() if key in keys}
        changed = False
        for group in groups:
            if group.key not in self._vectors:
                self._vectors[group.key] = await self._encoded(group)
                changed = True
        if changed:
            await asyncio.to_thread(self._forget_others, keys)
        return changed

    async def _encoded(self, group: _Group) -> Vectors:
        kept = await asyncio.to_thread(self._kept_vectors, group)
        if kept is not None:
            return kept
        texts = [unit for fact in group.facts for unit in units_of(fact)]
        parts = [
            await self._encode_batch(texts[start : start + _AT_ONCE])
            for start in range(0, len(texts), _AT_ONCE)
        ]
        vectors = np.concatenate(parts).astype(np.float32)
        await asyncio.to_thread(_write_vectors, self._vector_file(group.key), vectors)
        log.info("passages-encoded", passages=len(group.facts))
        return vectors

    async def _encode_batch(self, texts: Sequence[str]) -> Vectors:
        if self._encode_all is None:
            raise DocumentError("There is no sentence model.")
        return await self._encode_all(texts)

    def _vector_file(self, key: str) -> Path:
        model = self._encoder.fingerprint if self._encoder else ""
        return self._cache_dir / f"{key}-{model}-{UNITS_VERSION}.npy"

    def _forget_others(self, keys: set[str]) -> None:
        """Copies of what is no longer there would only ever grow."""
        shown = keys | {document.key for document in self.documents}
        for path in self._cache_dir.glob("*.*"):
            if path.stem.partition("-")[0] not in shown:
                path.unlink(missing_ok=True)

    def watch(
        self, knowledge: Callable[[], Knowledge], publish: Callable[[], Awaitable[None]]
    ) -> None:
        """Refresh from now on, until `aclose`, starting at once."""

        async def keep_looking() -> None:
            while True:
                try:
                    await self.refresh(knowledge(), publish)
                except DocumentError as error:
                    self._encoder = None  # it would fail the same way every two seconds
                    log.warning("passages-not-encoded", reason=str(error))
                    self._warn("document", f"{error} Documents are found by words alone.")
                    await publish()
                except Exception:
                    # One look that fails must not end the watch over the next edit.
                    log.exception("documents-check-failed")
                await asyncio.sleep(CHECK_S)

        self._watcher = asyncio.create_task(keep_looking(), name="documents-watch")

    async def aclose(self) -> None:
        """Stop watching; reading and encoding that are under way are ended."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None


def _read_vectors(path: Path) -> Vectors | None:
    try:
        vectors: Vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    usable = vectors.ndim == 2 and vectors.dtype == np.float32 and bool(np.isfinite(vectors).all())
    return vectors if usable else None


def _write_vectors(path: Path, vectors: Vectors) -> None:
    buffer = io.BytesIO()
    np.save(buffer, vectors)
    write_whole(path, buffer.getvalue())
