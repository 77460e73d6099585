"""The knowledge base in use: loaded, its classifier trained, reloaded when the file changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from backend.agent.intents.base import IntentClassifier
from backend.agent.intents.child import train_in_child, train_stacked_in_child
from backend.agent.intents.encoder import SentenceEncoder, shared_encoder
from backend.agent.intents.kept import IntentModel, model_path, read_model, write_model
from backend.agent.intents.linear import LinearModel
from backend.agent.intents.stacked import StackedModel
from backend.agent.intents.succession import lost_phrases
from backend.agent.knowledge.caller_words import CallerWords, caller_words
from backend.agent.knowledge.facts import facts_of
from backend.agent.knowledge.load import load_knowledge
from backend.agent.knowledge.model import Knowledge
from backend.agent.retrieval.index import FactIndex
from backend.core.errors import FrontdeskError, KnowledgeError

log = structlog.get_logger(__name__)

CHECK_S = 1.0
"""How often the file is looked at; one `stat` each time."""
FEWEST_EXAMPLES = 2
LOST_NAMED = 3
"""Phrases that are named when an edit makes them misunderstood."""

Trainer = Callable[[Mapping[str, Sequence[str]]], Awaitable[LinearModel]]
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A knowledge base with everything made from it. Immutable; a call keeps the one it has."""

    knowledge: Knowledge
    classifier: IntentClassifier
    facts: FactIndex

    @property
    def quick_classifier(self) -> IntentClassifier:
        """One that takes a fraction of a millisecond: the n-grams, where the classifier looks at
        embeddings too."""
        classifier = self.classifier
        return classifier.ngrams if isinstance(classifier, StackedModel) else classifier

    def vocabulary(self) -> CallerWords:
        """What callers are likely to say."""
        return caller_words(self.knowledge)


def index_of_facts(knowledge: Knowledge) -> FactIndex:
    """What is found where there are no documents."""
    return FactIndex(facts_of(knowledge))


class KnowledgeStore:
    """Holds the current `Snapshot` and replaces it when the file was changed to a valid one.

    `model_dir` keeps trained classifiers (plain arrays, checked when read). `on_problem` is told
    once about each version of the file that cannot be used; the old snapshot stays. It is also told
    when new examples make the classifier worse; then only the old classifier stays. `index`
    makes what open questions are answered from, in a thread.
    """

    def __init__(
        self,
        path: Path,
        *,
        model_dir: Path,
        on_problem: Callable[[KnowledgeError], None],
        sentence_model: Path | None = None,
        train: Trainer = train_in_child,
        index: Callable[[Knowledge], FactIndex] = index_of_facts,
        check_s: float = CHECK_S,
    ) -> None:
        self._path = path
        self._model_dir = model_dir
        self._on_problem = on_problem
        self.trouble = ""
        """Why the file as it is now is not in use, or not to be relied on; empty: all is well."""
        self._sentence_model = sentence_model
        self._encoder: SentenceEncoder | None = None
        self._train = train
        self._index = index
        self._learnt: Mapping[str, Sequence[str]] = {}
        """What the classifier in use was trained on."""
        self._check_s = check_s
        self._current: Snapshot | None = None
        self._seen: Stamp | None = None
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._watcher: asyncio.Task[None] | None = None
        self._checking = asyncio.Lock()

    @property
    def current(self) -> Snapshot:
        """The snapshot new calls use. Only after `start`."""
        if self._current is None:
            raise KnowledgeError("The knowledge base is not loaded yet.")
        return self._current

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `listener` with each new snapshot from now on; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def start(self, *, watch: bool = True) -> None:
        """Load, train or fetch the trained classifier, and watch the file.

        Raises KnowledgeError when the file cannot be used: there is no older one to keep.
        """
        self._seen = await asyncio.to_thread(_stamp, self._path)
        if self._sentence_model is not None:
            try:
                self._encoder = await asyncio.to_thread(shared_encoder, self._sentence_model)
            except FrontdeskError as error:
                self._on_problem(KnowledgeError(f"{error} Intents are told by n-grams alone."))
        self._current = await self._load()
        self._learnt = self._current.knowledge.examples()
        self._remark(self._learnt)
        if watch:
            self._watcher = asyncio.create_task(self._watch(), name="knowledge-watch")

    async def aclose(self) -> None:
        """Stop watching; training that is under way is ended."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None

    async def check(self) -> bool:
        """Look at the file once and reload it if it changed; True when `current` is new.

        Whoever asks while another look is being taken waits for that one to end.
        """
        async with self._checking:
            return await self._check()

    async def _check(self) -> bool:
        stamp = await asyncio.to_thread(_stamp, self._path)
        if stamp == self._seen:
            return False
        try:
            snapshot = await self._load()
        except KnowledgeError as error:
            if await asyncio.to_thread(_stamp, self._path) != stamp:
                # Half written when we read it: the next look will find it complete.
                return False
            self._seen = stamp
            log.warning("knowledge-invalid", file=str(self._path), code=error.code)
            self.trouble = f"Calls go on with the last good version. {error.message}"
            self._on_problem(error)
            return False
        self._seen = stamp
        self.trouble = ""
        if self._current and snapshot.knowledge.fingerprint == self._current.knowledge.fingerprint:
            return False
        self._current = await self._with_better_classifier(snapshot)
        self._remark(snapshot.knowledge.examples())
        log.info("knowledge-loaded", file=str(self._path))
        for listener in tuple(self._listeners):
            listener(self._current)
        return True

    async def reindex(self) -> None:
        """Make the index anew, because there are other documents; knowledge and classifier stay.

        The old one serves until the new one is ready. Listeners are not told.
        """
        # A reload under way may have made its index of the documents as they were.
        async with self._checking:
            facts = await asyncio.to_thread(self._index, self.current.knowledge)
            self._current = replace(self.current, facts=facts)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._check_s)
            try:
                await self.check()
            except Exception:
                # A listener's mistake must not end the watch over the next edit.
                log.exception("knowledge-check-failed", file=str(self._path))

    async def _load(self) -> Snapshot:
        knowledge = await asyncio.to_thread(load_knowledge, self._path)
        classifier = await self._classifier(knowledge.examples())
        facts = await asyncio.to_thread(self._index, knowledge)
        return Snapshot(knowledge, classifier, facts)

    def _remark(self, examples: Mapping[str, Sequence[str]]) -> None:
        """Tell of what is learnt from too little to be relied on; it is used all the same."""
        single = [label for label, phrases in examples.items() if len(phrases) < FEWEST_EXAMPLES]
        if single:
            few = KnowledgeError(
                f"{self._path.name} has one example phrase only for {', '.join(single)}.",
                fix="Callers say it in other words: write ten of them.",
            )
            self.trouble = few.message
            self._on_problem(few)

    async def _classifier(self, examples: Mapping[str, Sequence[str]]) -> IntentModel:
        encoder = self._encoder
        stored = await asyncio.to_thread(model_path, self._model_dir, examples, encoder)
        model = await asyncio.to_thread(read_model, stored, encoder)
        if model is None:
            model = await self._trained(examples)
            await asyncio.to_thread(write_model, stored, model)
        return model

    async def _trained(self, examples: Mapping[str, Sequence[str]]) -> IntentModel:
        if self._encoder:
            try:
                return await train_stacked_in_child(examples, self._encoder)
            except KnowledgeError as error:
                self._on_problem(error)
        return await self._train(examples)

    async def _with_better_classifier(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot`, with the classifier in use where the new one understands fewer examples."""
        examples = snapshot.knowledge.examples()
        if examples == self._learnt:
            return snapshot
        in_use = self.current.classifier
        lost = await asyncio.to_thread(
            lost_phrases, examples, snapshot.classifier, in_use, self._learnt
        )
        if not lost:
            self._learnt = examples
            return snapshot
        log.warning("intents-not-better", file=str(self._path), lost=len(lost))
        named = ", ".join(f"“{phrase}”" for phrase in lost[:LOST_NAMED])
        self._on_problem(
            KnowledgeError(
                f"The new example phrases make {len(lost)} others misunderstood, more than they"
                f" help: {named}. What callers want is told apart as before; the rest of the edit"
                " is in use.",
                fix="Look for phrases that fit two intents; move, reword or remove them.",
            )
        )
        return replace(snapshot, classifier=in_use)


def _stamp(path: Path) -> Stamp | None:
    """Changes whenever the file is edited or replaced; None when it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
