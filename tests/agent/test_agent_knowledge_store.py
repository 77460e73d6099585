"""The knowledge base is reloaded when it changes, and an invalid edit changes nothing."""

import asyncio
import json
import os
import shutil
import stat
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from backend.agent.intents.linear import LinearModel
from backend.agent.knowledge.facts import Fact
from backend.agent.knowledge.model import Knowledge
from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.agent.retrieval.index import FactIndex
from backend.core.errors import KnowledgeError
from tests.agent.harness import KB_PATH

Scenario = Callable[[KnowledgeStore], Awaitable[None]]


class Bench:
    """A copy of the knowledge base to edit, and a store that does not train for real."""

    def __init__(self, folder: Path, model: LinearModel) -> None:
        self.path = folder / "kb.json"
        self.model_dir = folder / "models"
        self.problems: list[KnowledgeError] = []
        self.trainings: list[Mapping[str, Sequence[str]]] = []
        self.documents = "Old."
        self.indexing, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        self._model = model
        shutil.copy(KB_PATH, self.path)

    def index(self, knowledge: Knowledge) -> FactIndex:
        """Of the documents as they are when it is begun."""
        facts = FactIndex([Fact(self.documents, "kb:documents/a.md")])
        self.indexing.set()
        assert self.may_end.wait(10)
        return facts

    async def train(self, examples: Mapping[str, Sequence[str]]) -> LinearModel:
        self.trainings.append(examples)
        return self._model

    def store(self) -> KnowledgeStore:
        return KnowledgeStore(
            self.path,
            model_dir=self.model_dir,
            on_problem=self.problems.append,
            train=self.train,
            check_s=0.01,
            index=self.index,
        )

    def run(self, scenario: Scenario, *, watch: bool = False) -> None:
        async def play() -> None:
            store = self.store()
            await store.start(watch=watch)
            try:
                await scenario(store)
            finally:
                await store.aclose()

        asyncio.run(play())

    def rename_company(self, name: str) -> None:
        data = json.loads(self.path.read_text())
        data["company"]["name"] = name
        self.write(json.dumps(data))

    def write(self, text: str) -> None:
        # As editors save: a new file takes the old one's place.
        part = self.path.with_suffix(".part")
        part.write_text(text)
        part.replace(self.path)


@pytest.fixture
def bench(tmp_path: Path, snapshot: Snapshot) -> Bench:
    assert isinstance(snapshot.classifier, LinearModel)
    return Bench(tmp_path, snapshot.classifier)


def test_an_unchanged_file_is_left_alone(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        before = store.current
        assert not await store.check()
        assert store.current is before

    bench.run(scenario)


def test_an_edit_is_taken_up_and_announced(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        announced: list[str] = []
        store.subscribe(lambda snapshot: announced.append(snapshot.knowledge.company.name))
        bench.rename_company("Acme")
        assert await store.check()
        assert announced == ["Acme"] == [store.current.knowledge.company.name]

    bench.run(scenario)


def test_a_snapshot_in_use_stays_as_it_was(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        before = store.current
        bench.rename_company("Acme")
        await store.check()
        assert before.knowledge.company.name == "Blue Harbor Internet"

    bench.run(scenario)


def test_an_invalid_edit_keeps_the_old_one_and_is_reported_once(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        before = store.current
        bench.write("{")
        for _ in range(3):
            assert not await store.check()
        assert store.current is before
        assert len(bench.problems) == 1
        assert "kb.json line 1" in str(bench.problems[0])
        assert "kb.json line 1" in store.trouble

    bench.run(scenario)


def test_a_corrected_file_is_taken_up_again(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        good = bench.path.read_text()
        bench.write("{")
        await store.check()
        bench.write(good)
        assert not await store.check(), "the same content is no new snapshot"
        bench.rename_company("Acme")
        assert await store.check()

    bench.run(scenario)


def test_a_file_that_disappears_is_reported_once(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        bench.path.unlink()
        for _ in range(3):
            assert not await store.check()
        assert len(bench.problems) == 1

    bench.run(scenario)


def test_the_watcher_notices_an_edit_by_itself(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        changed = asyncio.Event()
        store.subscribe(lambda _: changed.set())
        bench.rename_company("Acme")
        await asyncio.wait_for(changed.wait(), 10)

    bench.run(scenario, watch=True)


def test_a_listener_that_fails_does_not_end_the_watch(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        calls = asyncio.Queue[str]()

        def fail(snapshot: Snapshot) -> None:
            calls.put_nowait(snapshot.knowledge.company.name)
            raise RuntimeError("listener")

        store.subscribe(fail)
        for name in ("Acme", "Bolt"):
            bench.rename_company(name)
            assert await asyncio.wait_for(calls.get(), 10) == name

    bench.run(scenario, watch=True)


def test_an_unsubscribed_listener_hears_nothing(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        heard: list[Snapshot] = []
        store.subscribe(heard.append)()
        bench.rename_company("Acme")
        await store.check()
        assert heard == []

    bench.run(scenario)


def test_an_intent_with_one_example_is_used_and_named(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        assert bench.problems == []
        data = json.loads(bench.path.read_text())
        data["faq"][0]["questions"] = ["when do you open"]
        bench.write(json.dumps(data))
        assert await store.check()
        label = f"faq/{data['faq'][0]['id']}"
        assert label in str(bench.problems[0])

    bench.run(scenario)


def test_an_edit_of_sentences_needs_no_training(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        bench.rename_company("Acme")
        await store.check()
        assert len(bench.trainings) == 1

    bench.run(scenario)


def test_a_second_start_uses_the_kept_model(bench: Bench) -> None:
    async def nothing(store: KnowledgeStore) -> None:
        assert store.current.classifier.classify("what is my balance").intent == "billing"

    bench.run(nothing)
    bench.run(nothing)
    assert len(bench.trainings) == 1


@pytest.mark.parametrize("damage", [b"", b"garbage", b"PK\x03\x04 half a zip"])
def test_a_damaged_kept_model_is_trained_again(bench: Bench, damage: bytes) -> None:
    async def nothing(store: KnowledgeStore) -> None:
        assert store.current

    bench.run(nothing)
    (kept,) = bench.model_dir.iterdir()
    kept.write_bytes(damage)
    bench.run(nothing)
    assert len(bench.trainings) == 2
    assert kept.read_bytes() != damage


def test_where_nothing_can_be_kept_everything_still_works(bench: Bench) -> None:
    bench.model_dir.write_text("a file where the folder should be")

    async def nothing(store: KnowledgeStore) -> None:
        assert store.current

    bench.run(nothing)
    bench.run(nothing)
    assert len(bench.trainings) == 2


def test_only_the_newest_models_are_kept(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        for number in range(8):
            data = json.loads(bench.path.read_text())
            data["faq"][0]["questions"].append(f"brand new question {number}")
            bench.write(json.dumps(data))
            assert await store.check()

    bench.run(scenario)
    assert len(list(bench.model_dir.glob("*.npz"))) == 5


def test_a_training_that_fails_keeps_the_old_snapshot(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        before = store.current

        async def fail(examples: Mapping[str, Sequence[str]]) -> LinearModel:
            raise KnowledgeError("no memory")

        bench.train = fail  # type: ignore[method-assign]
        store._train = fail
        data = json.loads(bench.path.read_text())
        data["faq"][0]["questions"].append("a question nobody asked before")
        bench.write(json.dumps(data))
        assert not await store.check()
        assert store.current is before
        assert [str(problem) for problem in bench.problems] == ["no memory"]

    bench.run(scenario)


def test_an_invalid_file_at_the_start_is_an_error(bench: Bench) -> None:
    bench.write("[]")

    async def never(store: KnowledgeStore) -> None:
        raise AssertionError("must not start")

    with pytest.raises(KnowledgeError):
        bench.run(never)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(bench: Bench) -> None:
    bench.path.chmod(stat.S_IWUSR)

    async def never(store: KnowledgeStore) -> None:
        raise AssertionError("must not start")

    with pytest.raises(KnowledgeError, match="cannot be read"):
        bench.run(never)


def test_nothing_is_known_before_the_start(bench: Bench) -> None:
    with pytest.raises(KnowledgeError, match="not loaded yet"):
        _ = bench.store().current


def test_documents_that_change_during_a_reload_are_not_forgotten(bench: Bench) -> None:
    async def scenario(store: KnowledgeStore) -> None:
        bench.rename_company("Acme")
        bench.indexing.clear()
        bench.may_end.clear()
        reload = asyncio.create_task(store.check())
        await asyncio.to_thread(bench.indexing.wait, 10)
        bench.documents = "New."
        reindex = asyncio.create_task(store.reindex())
        await asyncio.sleep(0)
        bench.may_end.set()
        await asyncio.gather(reload, reindex)
        assert [fact.text for fact in store.current.facts.facts] == ["New."]
        assert store.current.knowledge.company.name == "Acme"

    bench.run(scenario)
