"""A newly trained classifier replaces the one in use only when it is at least as good."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from backend.agent.intents.linear import LinearModel
from backend.agent.intents.succession import lost_phrases
from backend.agent.intents.training import train
from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.core.errors import KnowledgeError
from tests.agent.harness import KB_PATH

FOUR = ("big", "old", "red", "near")
GOOD = {
    "gate": [f"{verb} the {size} gate" for verb in ("open", "close", "lock") for size in FOUR],
    "song": [f"{verb} a {mood} song" for verb in ("sing", "play", "hum") for mood in FOUR],
    "unknown": [f"{verb} my {colour} bill" for verb in ("pay", "send", "read") for colour in FOUR],
}
BACKWARDS = {"gate": GOOD["song"], "song": GOOD["unknown"], "unknown": GOOD["gate"]}


@pytest.fixture(scope="module")
def good() -> LinearModel:
    return train(GOOD)


@pytest.fixture(scope="module")
def bad() -> LinearModel:
    return train(BACKWARDS)


def test_a_model_as_good_as_the_one_in_use_replaces_it(good: LinearModel) -> None:
    assert lost_phrases(GOOD, good, good, GOOD) == []


def test_a_better_model_replaces_it(good: LinearModel, bad: LinearModel) -> None:
    assert lost_phrases(GOOD, good, bad, BACKWARDS) == []


def test_what_a_worse_model_would_lose_is_named(good: LinearModel) -> None:
    worse = replace(good, unseen={**good.unseen, "open the big gate": False})
    assert lost_phrases(GOOD, worse, good, GOOD) == ["open the big gate"]


def test_an_intent_that_is_gone_is_not_kept_alive(good: LinearModel, bad: LinearModel) -> None:
    fewer = {label: phrases for label, phrases in GOOD.items() if label != "song"}
    assert lost_phrases(fewer, bad, good, GOOD) == []


def test_a_phrase_that_changed_sides_counts_for_its_new_intent(good: LinearModel) -> None:
    turned = dict(zip(GOOD, (*GOOD.values(),)[::-1], strict=True))
    assert lost_phrases(turned, train(turned), good, GOOD) == []


def test_an_edit_that_makes_it_worse_is_used_but_for_the_classifier(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    usual, problems, heard = snapshot.classifier, list[KnowledgeError](), list[Snapshot]()
    assert isinstance(usual, LinearModel)
    path = tmp_path / "kb.json"
    path.write_text(KB_PATH.read_text())
    trained = [usual, train({label: [f"zyx{i}"] for i, label in enumerate(usual.labels)})]

    async def next_model(examples: Mapping[str, Sequence[str]]) -> LinearModel:
        return trained.pop(0)

    async def scenario() -> Snapshot:
        store = KnowledgeStore(
            path, model_dir=tmp_path / "models", on_problem=problems.append, train=next_model
        )
        await store.start(watch=False)
        store.subscribe(heard.append)
        data = json.loads(path.read_text())
        data["company"]["name"] = "Acme"
        data["intents"]["billing"]["examples"].append("hello where is my router")
        path.write_text(json.dumps(data))
        assert await store.check()
        return store.current

    after = asyncio.run(scenario())
    assert after.knowledge.company.name == "Acme"
    assert after.classifier is usual
    assert heard == [after]
    assert "others misunderstood" in str(problems[0])
