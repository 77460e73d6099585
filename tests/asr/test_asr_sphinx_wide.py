"""PocketSphinx as `scripts/pocketsphinx` builds it: it computes differently and hears the same."""

import shutil
import sysconfig
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from backend.asr.base import Vocabulary
from backend.asr.sphinx.decoder import Decoder
from backend.asr.sphinx.materials import prepare
from backend.audio.noise import white_noise
from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav
from backend.config import ROOT
from backend.core.speech import Expect

RATE_HZ = 8000
CHUNK = RATE_HZ // 10
has_compiler = shutil.which("cc") and (Path(sysconfig.get_path("include")) / "Python.h").exists()
wide_only = pytest.mark.skipif(not has_compiler, reason="PocketSphinx cannot be built here")


def prompt(name: str) -> Pcm:
    """What the dialplan says to callers when nobody else does: real sentences at 8 kHz."""
    pcm, rate_hz = read_wav(ROOT / "asterisk" / "sounds" / f"{name}.wav")
    assert rate_hz == RATE_HZ
    return pcm


def noise() -> Pcm:
    """Of a line on which nobody speaks."""
    return white_noise(2 * RATE_HZ, -30.0, np.random.default_rng(1))


def heard(folder: Path, search: str, pcm: Pcm) -> list[object]:
    """The words so far after each piece, then the result and how sure it is."""
    decoder = Decoder(folder)
    decoder.start(search)
    found: list[object] = []
    for start in range(0, len(pcm), CHUNK):
        decoder.feed(pcm[start : start + CHUNK].tobytes())
        found.append(decoder.partial())
    return [*found, decoder.finish()]


@wide_only
def test_where_there_is_a_compiler_pocketsphinx_is_the_wide_one() -> None:
    assert version("pocketsphinx").endswith("+wide")


@wide_only
@pytest.mark.parametrize("expect", Expect)
@pytest.mark.parametrize("name", ["apology", "leave-message", "not-valid", "noise"])
def test_it_hears_the_same_to_the_last_bit_of_confidence(
    monkeypatch: pytest.MonkeyPatch,
    sphinx_folder: Path,
    company_vocabulary: Vocabulary,
    expect: Expect,
    name: str,
) -> None:
    folder = prepare(sphinx_folder, company_vocabulary)
    pcm = noise() if name == "noise" else prompt(name)
    wide = heard(folder, expect.value, pcm)
    monkeypatch.setenv("POCKETSPHINX_NARROW", "1")
    assert heard(folder, expect.value, pcm) == wide


def test_decoders_that_share_their_models_do_not_hear_each_other(
    sphinx_folder: Path, company_vocabulary: Vocabulary
) -> None:
    folder = prepare(sphinx_folder, company_vocabulary)
    prompts = [prompt(name) for name in ("apology", "leave-message", "not-valid")]
    alone = [heard(folder, Expect.NUMBER.value, pcm)[-1] for pcm in prompts]
    decoders = [Decoder(folder) for _ in prompts]
    for decoder in decoders:
        decoder.start(Expect.NUMBER.value)
    for start in range(0, max(map(len, prompts)), CHUNK):
        for decoder, pcm in zip(decoders, prompts, strict=True):
            decoder.feed(pcm[start : start + CHUNK].tobytes())
    assert [decoder.finish() for decoder in decoders] == alone
