"""Which Whisper model is used, and what `frontdesk models` prints."""

from pathlib import Path

import pytest

from backend.cli.models import fetch_model, list_models
from backend.config import Settings
from backend.modelstore.catalogue import ModelKind
from backend.modelstore.store import ModelStore, missing_files
from tests.modelstore.hub import Hub, serving


def install(data_dir: Path, *names: str) -> Path:
    for name in names:
        folder = data_dir / "models" / "whisper" / name
        folder.mkdir(parents=True)
        for file in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
            (folder / file).touch()
    return data_dir / "models" / "whisper"


@pytest.mark.parametrize(
    ("here", "language", "best"),
    [
        (["tiny", "small.en", "base"], "en", "small.en"),
        (["base", "base.en"], "en-GB", "base.en"),
        (["small.en", "tiny"], "de", "tiny"),
        (["our-own", "tiny"], "en", "tiny"),
        (["our-own"], "de", "our-own"),
        (["distil-large-v3"], "fr", None),
        ([], "en", None),
    ],
)
def test_the_best_model_that_knows_the_language_is_used(
    tmp_path: Path, here: list[str], language: str, best: str | None
) -> None:
    install(tmp_path, *here)

    found = ModelStore(tmp_path).find_whisper("", language)

    assert (found.name if found else None) == best


def test_a_model_can_be_asked_for_by_name_or_by_folder(tmp_path: Path) -> None:
    folder = install(tmp_path, "tiny", "base")
    store = ModelStore(tmp_path)

    assert store.find_whisper("tiny", "en") == folder / "tiny"
    assert store.find_whisper(str(folder / "base"), "en") == folder / "base"
    assert store.find_whisper("small", "en") is None


def test_incomplete_models_and_downloads_do_not_count(tmp_path: Path) -> None:
    folder = install(tmp_path, "tiny", ".base.part")
    (folder / "tiny" / "tokenizer.json").unlink()
    piper = tmp_path / "models" / "piper"
    piper.mkdir()
    (piper / "de_DE-thorsten-medium.onnx").touch()
    store = ModelStore(tmp_path)

    assert store.installed(ModelKind.WHISPER) == []
    assert store.installed(ModelKind.PIPER) == []
    assert missing_files(folder / "tiny") == ["tokenizer.json"]


def test_the_list_tells_what_is_here_and_what_is_the_operators_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "tiny", "our-own")

    list_models(Settings(_env_file=None, data_dir=tmp_path))

    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "here" in lines["tiny"]
    assert "here" not in lines["base"]
    assert "Your own" in lines["our-own"]
    assert lines["In"].endswith("tiny")
    assert "63 MB" in lines["en_US-lessac-medium"]


def test_fetching_shows_progress_and_says_where_the_model_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "fr_FR-siwis-medium"
    files = {f"{name}.onnx": bytes(2_000_000), f"{name}.onnx.json": b"{}"}
    with serving(Hub(files)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        fetch_model(Settings(_env_file=None, data_dir=tmp_path), name)

    out = capsys.readouterr().out
    assert "of 2 MB" in out
    assert str(tmp_path / "models" / "piper" / f"{name}.onnx") in out
