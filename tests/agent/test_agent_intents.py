"""The classifier on sentences it was not trained on."""

import asyncio
import io
import json
import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.intents.base import IntentGuess
from backend.agent.intents.child import train_in_child
from backend.agent.intents.linear import LinearModel, ModelFileError
from backend.agent.intents.training import train
from backend.agent.knowledge.store import Snapshot
from backend.core.errors import KnowledgeError

DATA = Path(__file__).parent / "data"
HELD_OUT = ("heldout.jsonl", "heldout_blind.jsonl")


@pytest.fixture(scope="module")
def model(snapshot: Snapshot) -> LinearModel:
    assert isinstance(snapshot.classifier, LinearModel)
    return snapshot.classifier


def sentences(name: str) -> list[tuple[str, str]]:
    lines = (DATA / name).read_text().splitlines()
    return [(entry["text"], entry["intent"]) for entry in map(json.loads, lines)]


def reported(label: str) -> str:
    return IntentGuess(label, 1.0).reported


def accuracy(model: LinearModel, pairs: list[tuple[str, str]]) -> float:
    right = [model.classify(text).reported == reported(label) for text, label in pairs]
    return sum(right) / len(right)


@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_sentences_are_no_training_sentences(name: str, snapshot: Snapshot) -> None:
    known = {text for phrases in snapshot.knowledge.examples().values() for text in phrases}
    assert not known.intersection(text for text, _ in sentences(name))


@pytest.mark.parametrize("name", HELD_OUT)
def test_paraphrases_are_understood(name: str, model: LinearModel) -> None:
    assert accuracy(model, sentences(name)) >= 0.90


@pytest.mark.parametrize("name", HELD_OUT)
def test_what_is_not_for_us_is_recognised(name: str, model: LinearModel) -> None:
    outside = [pair for pair in sentences(name) if pair[1] == "unknown"]
    assert accuracy(model, outside) >= 0.85


@pytest.mark.parametrize("name", HELD_OUT)
def test_what_is_for_us_is_seldom_turned_away(name: str, model: LinearModel) -> None:
    inside = [text for text, label in sentences(name) if label != "unknown"]
    turned_away = [text for text in inside if model.classify(text).label == "unknown"]
    assert len(turned_away) <= 0.05 * len(inside)


def test_confidence_means_what_it_says(model: LinearModel) -> None:
    """Expected calibration error over ten bins, both held-out sets."""
    pairs = [pair for name in HELD_OUT for pair in sentences(name)]
    guesses = [model.classify(text) for text, _ in pairs]
    sure = np.array([guess.confidence for guess in guesses])
    wanted = [reported(label) for _, label in pairs]
    right = np.array([guess.reported for guess in guesses]) == np.array(wanted)
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(
        abs(sure[bins == i].mean() - right[bins == i].mean()) * (bins == i).sum()
        for i in set(bins.tolist())
    )
    assert error / len(pairs) <= 0.06


def corrupted(text: str, chance: random.Random) -> str:
    """As a recogniser might write it: fillers, a dropped word, a word said twice, homophones."""
    homophones = {"bill": "build", "plan": "plane", "my": "mine", "internet": "inter net"}
    spoken = text.upper().split() if chance.random() < 0.5 else text.split()
    if len(spoken) > 4:
        del spoken[chance.randrange(len(spoken))]
    where = chance.randrange(len(spoken))
    match chance.randrange(3):
        case 0:
            spoken.insert(0, chance.choice(["um", "uh", "well", "so", "hi", "okay"]))
        case 1:
            spoken.insert(where, spoken[where])
        case 2:
            spoken = [homophones.get(word.lower(), word) for word in spoken]
    return " ".join(spoken)


def test_recognition_errors_cost_little(model: LinearModel) -> None:
    pairs = [pair for name in HELD_OUT for pair in sentences(name)]
    chance = random.Random(1)
    noisy = [(corrupted(text, chance), label) for text, label in pairs]
    assert accuracy(model, noisy) >= accuracy(model, pairs) - 0.10


@pytest.mark.parametrize("text", ["", "   ", "?!", "字字字", "xqzj", "\x00", "1004"])
def test_text_without_meaning_is_unknown(text: str, model: LinearModel) -> None:
    assert model.classify(text).label == "unknown"


def test_topics_support_their_intent(model: LinearModel) -> None:
    guess = model.classify("my internet is slow")
    assert (guess.intent, guess.topic, guess.reported) == (
        "technical_support",
        "slow",
        "technical_support",
    )


def test_the_runner_up_is_another_intent(model: LinearModel) -> None:
    guess = model.classify("my bill is wrong and i want to complain")
    assert guess.runner_up.partition("/")[0] != guess.intent
    assert 0 <= guess.runner_up_confidence <= guess.confidence


def test_a_sentence_takes_milliseconds(model: LinearModel) -> None:
    texts = [text for text, _ in sentences(HELD_OUT[0])]
    fastest = min(_per_sentence_s(model, texts) for _ in range(3))
    assert fastest <= 0.01


def test_the_longest_text_is_no_slower(model: LinearModel) -> None:
    assert min(_per_sentence_s(model, ["my bill " * 100_000]) for _ in range(5)) <= 0.1


def _per_sentence_s(model: LinearModel, texts: list[str]) -> float:
    began_s = time.perf_counter()
    for text in texts:
        model.classify(text)
    return (time.perf_counter() - began_s) / len(texts)


@given(st.text(max_size=300))
def test_any_text_gets_a_guess(model_text: str) -> None:
    guess = _TINY.classify(model_text)
    assert guess.label in ("greeting", "unknown")
    assert 0 <= guess.confidence <= 1


_TINY = train({"greeting": ["hello", "good morning", "hi there"], "unknown": ["blue", "seven"]})


def test_a_label_with_one_example_is_learnt_too() -> None:
    model = train({"a": ["open the gate"], "b": ["sing a song", "sing aloud"], "unknown": ["zap"]})
    assert model.classify("open the gate please").label == "a"


def test_training_twice_gives_the_same_model(snapshot: Snapshot) -> None:
    examples = {"a": ["open the gate", "the gate"], "unknown": ["sing a song", "zap"]}
    first, second = train(examples), train(examples)
    assert np.array_equal(first.weights, second.weights)
    assert (first.scale, first.known_from) == (second.scale, second.known_from)


def test_a_model_survives_its_file(model: LinearModel) -> None:
    again = LinearModel.from_bytes(model.to_bytes())
    for text, _ in sentences(HELD_OUT[0]):
        assert again.classify(text) == model.classify(text)


def test_a_model_file_cannot_carry_code() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("code from a model file was run",))

    buffer = io.BytesIO()
    np.savez(buffer, about=np.array([Bomb()], dtype=object), idf=[], weights=[], bias=[])
    with pytest.raises(ModelFileError):
        LinearModel.from_bytes(buffer.getvalue())


@given(st.binary(max_size=500))
def test_any_other_bytes_are_no_model(raw: bytes) -> None:
    with pytest.raises(ModelFileError):
        LinearModel.from_bytes(raw)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_model_file_with_a_wrong_byte_is_refused_or_harmless(place: int, value: int) -> None:
    raw = bytearray(_TINY.to_bytes())
    raw[place % len(raw)] = value
    try:
        model = LinearModel.from_bytes(bytes(raw))
    except ModelFileError:
        return
    model.classify("hello")


@pytest.mark.parametrize(
    "change",
    [
        {"weights": np.zeros((2, 2), np.float32)},
        {"idf": np.zeros(1, np.float32)},
        {"bias": np.full(2, np.nan, np.float32)},
        {"bias": np.zeros(2, np.float64)},
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, np.ndarray]) -> None:
    with np.load(io.BytesIO(_TINY.to_bytes())) as archive:
        parts = {name: archive[name] for name in archive.files}
    buffer = io.BytesIO()
    np.savez(buffer, **{**parts, **change})
    with pytest.raises(ModelFileError):
        LinearModel.from_bytes(buffer.getvalue())


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_a_training_that_fails_says_so(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(KnowledgeError, match="could not be trained"):
        asyncio.run(train_in_child({"a": ["b"]}))


def test_cancelling_a_training_ends_its_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    slow = tmp_path / "python"
    slow.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))

    async def cancel() -> int:
        training = asyncio.create_task(train_in_child({"a": ["b"]}))
        pid = int(await asyncio.wait_for(asyncio.to_thread(started.read_text), 10))
        training.cancel()
        with pytest.raises(asyncio.CancelledError):
            await training
        return pid

    with pytest.raises(ProcessLookupError):
        os.kill(asyncio.run(cancel()), 0)
