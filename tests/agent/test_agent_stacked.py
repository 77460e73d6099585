"""The classifier that looks at meaning too, with a sentence model of random weights."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.agent import build_agent
from backend.agent.intents.encoder import SentenceEncoder
from backend.agent.intents.linear import LinearModel, ModelFileError
from backend.agent.intents.stacked import StackedModel
from backend.agent.intents.training import train_stacked
from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.config import Settings
from backend.core.errors import KnowledgeError
from backend.modelstore.store import ModelStore
from tests.agent.harness import KB_PATH, Call, Directory
from tests.support.tiny_sentence_model import publish

EXAMPLES = {
    "gate": ["open the gate", "close the gate", "lock the old gate", "open that big gate"],
    "song": ["sing a song", "play a sad song", "hum that new song", "please sing a new song"],
    "unknown": ["my bill", "internet is down", "what i owe", "is my internet down"],
}


@pytest.fixture(scope="module")
def sentence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentence")
    return ModelStore(folder / "data").adopt_sentence(publish(folder / "all-MiniLM-L6-v2"))


@pytest.fixture(scope="module")
def encoder(sentence_model: Path) -> SentenceEncoder:
    return SentenceEncoder(sentence_model)


@pytest.fixture(scope="module")
def model(encoder: SentenceEncoder) -> StackedModel:
    return train_stacked(EXAMPLES, encoder)


def test_sentences_are_told_apart(model: StackedModel) -> None:
    assert model.classify("please open the old gate").label == "gate"
    assert model.classify("play that song").label == "song"


def test_probabilities_are_probabilities(model: StackedModel) -> None:
    probabilities = model.probabilities("open a song")
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities >= 0).all()


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_text_without_meaning_is_unknown(text: str, model: StackedModel) -> None:
    assert model.classify(text).label == "unknown"


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_gets_a_guess(model: StackedModel, text: str) -> None:
    assert 0 <= model.classify(text).confidence <= 1


def test_it_survives_its_file(model: StackedModel, encoder: SentenceEncoder) -> None:
    again = StackedModel.from_bytes(model.to_bytes(), encoder)
    for phrases in EXAMPLES.values():
        for phrase in phrases:
            assert again.classify(phrase) == model.classify(phrase)
    assert again.unseen == model.unseen


class Other:
    """An encoder that is not the one."""

    fingerprint = "another"

    def encode(self, text: str) -> np.ndarray:
        raise AssertionError("never asked")

    def encode_all(self, texts: Sequence[str]) -> np.ndarray:
        raise AssertionError("never asked")


def test_what_was_learnt_from_another_encoder_is_refused(model: StackedModel) -> None:
    with pytest.raises(ModelFileError):
        StackedModel.from_bytes(model.to_bytes(), Other())


@pytest.mark.parametrize("raw", [b"", b"garbage", b"PK\x03\x04 half a zip"])
def test_other_bytes_are_no_model(raw: bytes, encoder: SentenceEncoder) -> None:
    with pytest.raises(ModelFileError):
        StackedModel.from_bytes(raw, encoder)


def test_a_knowledge_base_uses_the_sentence_model_that_is_there(
    sentence_model: Path, tmp_path: Path
) -> None:
    data = json.loads(KB_PATH.read_text())
    for entry in data["intents"].values():
        del entry["examples"][8:]  # enough, and learnt in a second
    kb = tmp_path / "kb.json"
    kb.write_text(json.dumps(data))
    store = KnowledgeStore(
        kb, model_dir=tmp_path, on_problem=_refuse, sentence_model=sentence_model
    )
    asyncio.run(store.start(watch=False))
    assert isinstance(store.current.classifier, StackedModel)
    assert store.current.quick_classifier is store.current.classifier.ngrams
    agent = build_agent(store, Directory(), Settings.model_validate({}), _warn)
    call = Call(agent)
    assert call.says("what is my balance").intent == "billing"
    assert agent.completeness("my internet is down", call.dialogue)
    # A second start finds the model that was kept.
    (kept,) = tmp_path.glob("*.npz")
    before = kept.stat().st_mtime_ns
    asyncio.run(store.start(watch=False))
    assert kept.stat().st_mtime_ns == before


def test_a_damaged_sentence_model_leaves_the_n_grams(tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / "model.int8.onnx").write_bytes(b"nothing")
    (tmp_path / "tokenizer.json").write_text("{}")
    problems: list[str] = []

    async def train(examples: Mapping[str, Sequence[str]]) -> LinearModel:
        assert isinstance(snapshot.classifier, LinearModel)
        return snapshot.classifier

    store = KnowledgeStore(
        KB_PATH,
        model_dir=tmp_path / "models",
        on_problem=lambda error: problems.append(str(error)),
        sentence_model=tmp_path,
        train=train,
    )
    asyncio.run(store.start(watch=False))
    assert store.current.classifier.classify("what is my balance").intent == "billing"
    assert "n-grams alone" in problems[0]


def _refuse(error: KnowledgeError) -> None:
    raise error


def _warn(code: str, message: str) -> None:
    raise AssertionError(f"{code}: {message}")
