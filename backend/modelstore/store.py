"""The models on this machine: which are complete, and which is to be used."""

import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from backend.core.errors import ModelError
from backend.modelstore.catalogue import (
    SENTENCE_MODELS,
    WHISPER_MODELS,
    CatalogueModel,
    ModelKind,
    look_up,
)
from backend.modelstore.download import Downloader, hub_url
from backend.modelstore.sentence import adopt, convert, is_sentence_model

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
"""Bytes here so far and bytes in all, over all files of the model."""

WHISPER_FILES = ("model.bin", "config.json", "tokenizer.json")
"""Without one of these faster-whisper would go to the network, or fail late."""


class ModelStore:
    """`<data_dir>/models`: a folder for each Whisper and sentence model, two files for each Piper
    voice."""

    def __init__(
        self,
        data_dir: Path,
        *,
        hub: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`hub` is a base URL; empty is the one of the environment, or the public one."""
        self._root = data_dir / "models"
        self._hub = hub or hub_url()
        self._pause = pause

    def folder(self, kind: ModelKind) -> Path:
        """Where models of this kind lie; it need not exist."""
        return self._root / kind.value

    def installed(self, kind: ModelKind) -> list[str]:
        """Names of the complete models here, the operator's own included."""
        folder = self.folder(kind)
        if kind is ModelKind.WHISPER:
            found = (path.name for path in _entries(folder) if is_whisper_model(path))
        elif kind is ModelKind.SENTENCE:
            found = (path.name for path in _entries(folder) if is_sentence_model(path))
        else:
            found = (
                path.stem
                for path in _entries(folder)
                if path.suffix == ".onnx" and Path(f"{path}.json").is_file()
            )
        return sorted(found)

    def find_whisper(self, wanted: str, language: str) -> Path | None:
        """The folder of a Whisper model: a path, a name, or, when empty, the best one here.

        The best is the largest that knows `language`; models of unknown names come last.
        """
        if wanted:
            for path in (self.folder(ModelKind.WHISPER) / wanted, Path(wanted).expanduser()):
                if path.is_dir():
                    return path
            return None
        here = self.installed(ModelKind.WHISPER)
        english = language.lower().startswith("en")
        fitting = [m.name for m in WHISPER_MODELS if english or m.language != "en"]
        known = {model.name for model in WHISPER_MODELS}
        ranked = [n for n in fitting if n in here] + [n for n in here if n not in known]
        return self.folder(ModelKind.WHISPER) / ranked[0] if ranked else None

    def find_sentence(self, wanted: str = "") -> Path | None:
        """The folder of a sentence model: a path, a name, or, when empty, the first one here."""
        folder = self.folder(ModelKind.SENTENCE)
        names = [wanted] if wanted else self.installed(ModelKind.SENTENCE)
        places = [folder / name for name in names]
        if wanted:
            places.append(Path(wanted).expanduser())
        return next((place for place in places if is_sentence_model(place)), None)

    def adopt_sentence(self, source: Path) -> Path:
        """Take a sentence model from a folder or an archive, converting it; returns its folder.

        One that has its name already is replaced. Raises ModelError.
        """
        known = next(model.name for model in SENTENCE_MODELS)
        flat = source.resolve().name.lower().replace("_", "-")
        name = known if known.lower() in flat or flat == "model" else source.resolve().stem
        folder = self.folder(ModelKind.SENTENCE)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(dir=folder, prefix=".adopted-"))
            try:
                adopt(source, staging)
                place = folder / name
                if place.exists():
                    shutil.rmtree(place)
                staging.rename(place)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        except OSError as error:
            raise ModelError(
                f"{source} cannot be taken into {folder}: {error.strerror or error}."
            ) from error
        log.info("model-adopted", model=name)
        return place

    def fetch(self, name: str, progress: Progress) -> Path:
        """Download a model of the catalogue, going on where an earlier attempt stopped.

        Returns the model's folder (Whisper, sentences) or `.onnx` file (Piper), which appears
        only when everything is there, verified and, for sentences, converted. Raises ModelError.
        """
        model = look_up(name)
        folder = self.folder(model.kind)
        if name in self.installed(model.kind):
            progress(model.about_bytes, model.about_bytes)
            return self._place(model)
        staging = folder / f".{name}.part"
        try:
            staging.mkdir(parents=True, exist_ok=True)
            with _alone(staging, name):
                self._download(model, staging, progress)
                return self._publish(model, staging)
        except OSError as error:
            raise ModelError(
                f"{name} cannot be stored in {folder}: {error.strerror or error}."
            ) from error

    def _download(self, model: CatalogueModel, staging: Path, progress: Progress) -> None:
        before, later = 0, model.about_bytes
        with Downloader(self._hub, embedded=_EMBEDDED[model.kind], pause=self._pause) as downloader:
            for file in model.files:
                later -= file.about_bytes
                target = staging / file.name
                if not target.is_file():
                    tell = functools.partial(_tell, progress, before, later)
                    downloader.fetch(model.repository, file.path, target, tell)
                before += target.stat().st_size
                progress(before, before + later)
        log.info("model-fetched", model=model.name, bytes=before)

    def _place(self, model: CatalogueModel) -> Path:
        folder = self.folder(model.kind)
        return folder / (f"{model.name}.onnx" if model.kind is ModelKind.PIPER else model.name)

    def _publish(self, model: CatalogueModel, staging: Path) -> Path:
        """Make the complete model appear at once."""
        place = self._place(model)
        if model.kind is not ModelKind.PIPER:
            if model.kind is ModelKind.SENTENCE:
                convert(staging)
            if place.exists():
                shutil.rmtree(place)
            (staging / _LOCK).unlink()
            staging.rename(place)
        else:
            # The .onnx comes last, as it does in the catalogue: alone, the .json is no voice.
            for file in model.files:
                (staging / file.name).replace(place.parent / file.name)
            shutil.rmtree(staging)
        return place


def is_whisper_model(folder: Path) -> bool:
    """Whether everything that loading needs is in this folder."""
    return not folder.name.startswith(".") and not missing_files(folder)


def missing_files(folder: Path) -> list[str]:
    """Names of the files a Whisper model lacks."""
    missing = [name for name in WHISPER_FILES if not (folder / name).is_file()]
    if not any((folder / f"vocabulary.{suffix}").is_file() for suffix in ("txt", "json")):
        missing.append("vocabulary.json")
    return missing


_EMBEDDED = {
    ModelKind.WHISPER: "PocketSphinx",
    ModelKind.PIPER: "flite",
    ModelKind.SENTENCE: "n-grams",
}
_LOCK = ".lock"


def _tidy(staging: Path) -> None:
    """Leave no folder behind that has nothing to go on from."""
    if [path.name for path in _entries(staging)] == [_LOCK]:
        with contextlib.suppress(OSError):
            shutil.rmtree(staging)


def _tell(progress: Progress, before: int, later: int, done: int, size: int) -> None:
    """One file's progress as the model's: `before` it came so much, `later` comes about so much."""
    progress(before + done, before + size + later)


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from folder.iterdir()


@contextlib.contextmanager
def _alone(staging: Path, name: str) -> Iterator[None]:
    """Two downloads into one file would spoil it. The lock goes with the process that holds it."""
    descriptor = os.open(staging / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError(
                f"{name} is being fetched already.", fix="Wait for the other download to end."
            ) from error
        try:
            yield
        finally:
            _tidy(staging)
    finally:
        os.close(descriptor)
