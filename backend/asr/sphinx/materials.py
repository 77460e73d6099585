"""The files a decoder loads for one vocabulary: a dictionary and a language model a question."""

import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from backend.asr.base import Vocabulary
from backend.asr.sphinx import corpus, grammar, language_model, pronunciation
from backend.asr.sphinx.corpus import GENERAL
from backend.asr.sphinx.corpus import corpus as sentences_for
from backend.asr.sphinx.language_model import TrigramModel
from backend.config import ROOT
from backend.core.errors import EngineError
from backend.core.speech import Expect
from backend.parts.program import Program

DICTIONARY = "words.dict"
GRAMMAR = "number.jsgf"
KEPT = 5
"""Earlier vocabularies kept on disk: undoing an edit of the knowledge base costs nothing."""
_HALF_MADE = ".new-"
_ABANDONED_S = 600.0
"""Nobody is still at work on a folder this old."""


def prepare(
    folder: Path,
    vocabulary: Vocabulary,
    flite: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Path:
    """The folder with this vocabulary's files, made if it is not there yet (about a second).

    A folder is complete or absent, however a run ended. Raises OSError.
    """
    place = folder / _key(vocabulary)
    if place.is_dir():
        _touch(place)
        return place
    folder.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=folder))
    try:
        _write(new, vocabulary, flite, env)
        new.chmod(0o755)
        new.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _forget_old(folder)
    return place


def _write(
    place: Path, vocabulary: Vocabulary, flite: Sequence[str], env: Mapping[str, str] | None
) -> None:
    words = set(grammar.WORDS)
    for expect in Expect:
        model = TrigramModel(sentences_for(expect, vocabulary))
        (place / f"{expect.value}.arpa").write_text(model.arpa(), encoding="utf-8")
        words.update(model.words)
    text = grammar.number_grammar(vocabulary.min_digits, vocabulary.max_digits)
    (place / GRAMMAR).write_text(text, encoding="utf-8")
    spoken = pronunciation.dictionary(words, flite, env)
    (place / DICTIONARY).write_text(spoken, encoding="utf-8")


async def prepare_in_child(folder: Path, vocabulary: Vocabulary, flite: Program | None) -> Path:
    """`prepare` in a process of its own: a second of computing that no call should feel.

    Raises EngineError.
    """
    place = folder / _key(vocabulary)
    if place.is_dir():
        _touch(place)
        return place
    order = {
        "folder": str(folder),
        "vocabulary": asdict(vocabulary),
        "flite": list(flite.command) if flite else [],
        "env": flite.environment() if flite else None,
    }
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend.asr.sphinx.materials"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise EngineError(f"The language model cannot be made: {error}") from error
    try:
        output, complaint = await child.communicate(json.dumps(order).encode())
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        raise
    if child.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise EngineError(f"The language model cannot be made: {''.join(last)}")
    return Path(output.decode().strip())


def _main() -> None:
    order = json.load(sys.stdin)
    vocabulary = Vocabulary(**order["vocabulary"])
    place = prepare(Path(order["folder"]), vocabulary, order["flite"], order["env"])
    sys.stdout.write(str(place))


def _key(vocabulary: Vocabulary) -> str:
    """Changes with the vocabulary and with the code that turns it into files."""
    digest = hashlib.sha256(json.dumps(asdict(vocabulary), sort_keys=True).encode())
    for module in (corpus, grammar, language_model, pronunciation):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(GENERAL.read_bytes())
    return digest.hexdigest()[:20]


def _touch(place: Path) -> None:
    """Remember that it was used. A folder that is only readable serves as well."""
    with suppress(OSError):
        place.touch()


def _forget_old(folder: Path) -> None:
    """Also what runs that were killed left half made."""
    places = [path for path in folder.iterdir() if path.is_dir()]
    half = [path for path in places if path.name[0] == "."]
    whole = sorted(set(places) - set(half), key=lambda path: path.stat().st_mtime)
    left = [path for path in half if time.time() - path.stat().st_mtime > _ABANDONED_S]
    for path in (*left, *whole[:-KEPT]):
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    _main()
