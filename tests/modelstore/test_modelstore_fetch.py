"""Fetching models from a hub that serves, breaks off, lies, refuses or is not there."""

import errno
import fcntl
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from backend.core.errors import ModelError
from backend.modelstore.catalogue import CATALOGUE, ModelKind
from backend.modelstore.store import ModelStore
from tests.modelstore.hub import Hub, serving

MODEL = random.Random(4).randbytes(600_000)
VOICE = "en_US-lessac-medium"


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {
        "config.json": b"{}",
        "tokenizer.json": b"{}",
        "vocabulary.txt": b"a\nb\n",
        "model.bin": MODEL,
        f"{VOICE}.onnx": MODEL,
        f"{VOICE}.onnx.json": b"{}",
    }
    with serving(Hub(files)) as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(hub: Hub, tmp_path: Path, pauses: list[float]) -> ModelStore:
    return ModelStore(tmp_path, hub=hub.url, pause=pauses.append)


def quietly(done: int, total: int) -> None:
    """Progress nobody watches."""


def test_a_whisper_model_appears_complete_in_its_folder(store: ModelStore, tmp_path: Path) -> None:
    place = store.fetch("tiny.en", quietly)

    assert place == tmp_path / "models" / "whisper" / "tiny.en"
    assert (place / "model.bin").read_bytes() == MODEL
    assert sorted(path.name for path in place.iterdir()) == [
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    ]
    assert store.installed(ModelKind.WHISPER) == ["tiny.en"]


def test_a_voice_lands_where_piper_looks_for_it(store: ModelStore, tmp_path: Path) -> None:
    place = store.fetch(VOICE, quietly)

    folder = tmp_path / "models" / "piper"
    assert place == folder / f"{VOICE}.onnx"
    assert sorted(path.name for path in folder.iterdir()) == [f"{VOICE}.onnx", f"{VOICE}.onnx.json"]
    assert store.installed(ModelKind.PIPER) == [VOICE]


def test_progress_counts_up_to_the_true_size_of_all_files(store: ModelStore) -> None:
    steps: list[tuple[int, int]] = []
    store.fetch("tiny.en", lambda done, total: steps.append((done, total)))

    size = len(MODEL) + 2 + 2 + 4
    assert steps[-1] == (size, size)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_cut_connection_is_taken_up_where_it_broke(
    store: ModelStore, hub: Hub, pauses: list[float]
) -> None:
    hub.cuts = [200_000, 300_000]

    place = store.fetch("tiny.en", quietly)

    assert (place / "model.bin").read_bytes() == MODEL
    assert [asked for asked in hub.ranges if asked] == ["bytes=200000-", "bytes=500000-"]
    assert len(pauses) == 2


def test_a_later_command_goes_on_where_the_earlier_one_gave_up(store: ModelStore, hub: Hub) -> None:
    hub.cuts = [300_000, 0, 0, 0, 0]
    with pytest.raises(ModelError, match="are kept; fetch again to go on"):
        store.fetch("tiny.en", quietly)
    assert store.installed(ModelKind.WHISPER) == []
    hub.cuts, hub.ranges = [], []

    place = store.fetch("tiny.en", quietly)

    assert (place / "model.bin").read_bytes() == MODEL
    # The files that were complete are not fetched again.
    assert hub.ranges == ["bytes=300000-"]


def test_a_server_without_ranges_starts_over_and_still_succeeds(
    store: ModelStore, hub: Hub
) -> None:
    hub.honours_ranges = False
    hub.cuts = [200_000]

    assert (store.fetch("tiny.en", quietly) / "model.bin").read_bytes() == MODEL


def test_a_beginning_that_is_longer_than_the_file_is_thrown_away(
    store: ModelStore, tmp_path: Path
) -> None:
    staging = tmp_path / "models" / "whisper" / ".tiny.en.part"
    staging.mkdir(parents=True)
    (staging / "model.bin.partial").write_bytes(bytes(len(MODEL) + 5))

    assert (store.fetch("tiny.en", quietly) / "model.bin").read_bytes() == MODEL


def test_a_beginning_of_something_else_is_found_out_by_the_checksum(
    store: ModelStore, tmp_path: Path
) -> None:
    staging = tmp_path / "models" / "whisper" / ".tiny.en.part"
    staging.mkdir(parents=True)
    (staging / "model.bin.partial").write_bytes(bytes(1000))

    with pytest.raises(ModelError, match=r"model\.bin arrived damaged .*checksum"):
        store.fetch("tiny.en", quietly)

    assert (store.fetch("tiny.en", quietly) / "model.bin").read_bytes() == MODEL


def test_a_wrong_checksum_leaves_nothing_behind(
    store: ModelStore, hub: Hub, tmp_path: Path
) -> None:
    hub.tags["model.bin"] = "0" * 64

    with pytest.raises(ModelError, match="checksum is wrong"):
        store.fetch("tiny.en", quietly)

    assert store.installed(ModelKind.WHISPER) == []
    assert not list(tmp_path.rglob("model.bin*"))


def test_a_tag_that_is_no_sha256_is_not_taken_for_one(store: ModelStore, hub: Hub) -> None:
    hub.tags["config.json"] = "9e26dfeeb6e641a33dae4961196235bdb965b21b"

    assert store.fetch("tiny.en", quietly).is_dir()


def test_without_a_network_one_line_says_so_and_what_goes_on_instead(tmp_path: Path) -> None:
    with serving(Hub()) as gone:
        url = gone.url
    pauses: list[float] = []
    with pytest.raises(ModelError) as caught:
        ModelStore(tmp_path, hub=url, pause=pauses.append).fetch("tiny.en", quietly)

    assert "cannot be reached" in str(caught.value)
    assert "PocketSphinx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "models" / "whisper").iterdir())
    assert not pauses, "nobody waits for a connection that is refused"


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://127.0.0.1", "http://[", "http://"])
def test_a_mirror_that_is_no_address_is_named_in_the_error(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ModelError, match="cannot be reached"):
        ModelStore(tmp_path, hub=endpoint).fetch(VOICE, quietly)


def test_the_environment_names_a_mirror(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")

    assert ModelStore(tmp_path).fetch(VOICE, quietly).is_file()


def test_a_file_the_hub_does_not_have_is_named(store: ModelStore, hub: Hub) -> None:
    del hub.files["tokenizer.json"]

    with pytest.raises(ModelError, match=r"does not have .*tokenizer\.json"):
        store.fetch("tiny.en", quietly)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_hub_that_refuses_is_quoted(store: ModelStore, hub: Hub, status: int) -> None:
    hub.status = status

    with pytest.raises(ModelError, match=rf"refuses the download \(HTTP {status}\).*flite"):
        store.fetch(VOICE, quietly)


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_too_small_a_disk_is_noticed_before_anything_is_written(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = _Usage(10**9, 10**9 - 200_500_000, 200_500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    with pytest.raises(ModelError, match=r"needs 1 MB and the disk has 0 MB to spare"):
        store.fetch("tiny.en", quietly)

    assert not list(tmp_path.rglob("model.bin*"))


def test_a_disk_that_becomes_full_gets_its_room_back(store: ModelStore, tmp_path: Path) -> None:
    def fill_up(done: int, total: int) -> None:
        if done > 300_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ModelError, match=r"disk became full while model\.bin"):
        store.fetch("tiny.en", fill_up)

    assert not list(tmp_path.rglob("model.bin*"))


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")

    with pytest.raises(ModelError, match=r"cannot be stored in .*models"):
        ModelStore(tmp_path, hub=hub.url).fetch(VOICE, quietly)


def test_two_downloads_of_one_model_do_not_spoil_each_other(
    store: ModelStore, tmp_path: Path
) -> None:
    staging = tmp_path / "models" / "whisper" / ".tiny.en.part"
    staging.mkdir(parents=True)
    with (staging / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="being fetched already"):
            store.fetch("tiny.en", quietly)
        assert (staging / ".lock").exists()


def test_a_model_that_is_here_is_not_fetched_again(store: ModelStore, hub: Hub) -> None:
    store.fetch("tiny.en", quietly)
    hub.ranges.clear()

    store.fetch("tiny.en", quietly)

    assert hub.ranges == []


def test_a_damaged_model_folder_is_replaced(store: ModelStore, tmp_path: Path) -> None:
    broken = tmp_path / "models" / "whisper" / "tiny.en"
    broken.mkdir(parents=True)
    (broken / "model.bin").write_bytes(b"half")

    assert (store.fetch("tiny.en", quietly) / "model.bin").read_bytes() == MODEL


def test_an_unknown_name_is_answered_with_the_nearest(store: ModelStore) -> None:
    with pytest.raises(ModelError, match=r"no model called 'tinyen'.*tiny\.en"):
        store.fetch("tinyen", quietly)


def test_names_are_not_paths(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model called"):
        store.fetch("../../etc", quietly)
    assert not list(tmp_path.iterdir())


def test_every_model_of_the_catalogue_has_what_its_engine_needs() -> None:
    for model in CATALOGUE.values():
        names = {file.name for file in model.files}
        if model.kind is ModelKind.WHISPER:
            assert {"model.bin", "config.json", "tokenizer.json"} < names, model.name
        elif model.kind is ModelKind.SENTENCE:
            assert {"model.safetensors", "config.json", "tokenizer.json"} == names, model.name
        else:
            assert names == {f"{model.name}.onnx", f"{model.name}.onnx.json"}
        assert model.about_bytes > 20_000_000
