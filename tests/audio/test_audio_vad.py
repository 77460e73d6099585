"""Voice activity on real speech, alone and with all calls at once."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backend.audio.energy import ENERGY, Energy
from backend.audio.level import dbfs
from backend.audio.noise import line_noise, mix_at_snr, white_noise
from backend.audio.pcm import Pcm
from backend.audio.silero import Silero
from backend.audio.vad import VoiceDetector, choose_detector, probabilities_of
from backend.core.errors import EngineError
from tests.support.caller_voice import VOICES, flite, have_flite

RATE_HZ = 8000
WINDOW = 256
QUIET = np.zeros(RATE_HZ // 2, dtype=np.int16)
needs_flite = pytest.mark.skipif(not have_flite(), reason="flite is not installed")


@pytest.fixture(scope="module")
def silero() -> Silero:
    return Silero()


@pytest.fixture(params=["silero", "energy"])
def detector(request: pytest.FixtureRequest, silero: Silero) -> VoiceDetector:
    return silero if request.param == "silero" else Energy()


def speech(text: str, voice: str = "slt") -> Pcm:
    return np.concatenate((QUIET, asyncio.run(flite(text, voice)), QUIET))


@needs_flite
@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("snr_db", [None, 15.0])
def test_words_are_voice_and_what_surrounds_them_is_not(
    detector: VoiceDetector, voice: str, snr_db: float | None
) -> None:
    pcm = speech("my number is four two seven one", voice)
    if snr_db is not None:
        noise = line_noise(len(pcm), RATE_HZ, -40, np.random.default_rng(7))
        pcm = mix_at_snr(pcm, noise, snr_db, RATE_HZ)
    found = probabilities_of(detector, pcm) >= 0.5
    edge = len(QUIET) // WINDOW - 1
    assert not found[1:edge].any()
    assert not found[-edge // 2 :].any()
    assert found[edge:-edge].mean() > 0.5


@pytest.mark.parametrize("level_dbfs", [-60.0, -40.0, -30.0])
def test_steady_noise_is_no_voice(detector: VoiceDetector, level_dbfs: float) -> None:
    generator = np.random.default_rng(3)
    for noise in (
        white_noise(5 * RATE_HZ, level_dbfs, generator),
        line_noise(5 * RATE_HZ, RATE_HZ, level_dbfs, generator),
    ):
        assert probabilities_of(detector, noise).max() < 0.5


@needs_flite
def test_a_batch_gives_what_each_call_alone_gives(detector: VoiceDetector) -> None:
    calls = [speech("hello there", voice)[: 30 * WINDOW] for voice in VOICES]
    alone = np.array([probabilities_of(detector, pcm) for pcm in calls])
    states = [detector.new_state() for _ in calls]
    together = [
        detector.probabilities(np.stack([pcm[at : at + WINDOW] for pcm in calls]), states)
        for at in range(0, 30 * WINDOW, WINDOW)
    ]
    np.testing.assert_allclose(np.transpose(together), alone, atol=1e-4)


@needs_flite
def test_calls_that_come_and_go_do_not_disturb_each_other(silero: Silero) -> None:
    pcm = speech("hello there")[: 40 * WINDOW].reshape(-1, WINDOW)
    noise = line_noise(40 * WINDOW, RATE_HZ, -30, np.random.default_rng(1)).reshape(-1, WINDOW)
    expected = probabilities_of(silero, pcm.ravel())
    mine, found = silero.new_state(), []
    for number, row in enumerate(pcm):
        others = [silero.new_state() for _ in range(number % 4)]
        rows = np.stack([*noise[: len(others)], row])
        found.append(silero.probabilities(rows, [*others, mine])[-1])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_calls_need_no_work(detector: VoiceDetector) -> None:
    assert detector.probabilities(np.zeros((0, WINDOW), dtype=np.int16), []).shape == (0,)


@settings(max_examples=30, deadline=None)
@given(windows=hnp.arrays(np.int16, st.tuples(st.integers(1, 5), st.just(WINDOW))))
def test_any_samples_give_probabilities(silero: Silero, windows: np.ndarray) -> None:
    for detector in (silero, Energy()):
        states = [detector.new_state() for _ in windows]
        found = detector.probabilities(windows, states)
        assert found.dtype == np.float32
        assert ((found >= 0) & (found <= 1)).all()
        assert all(np.isfinite(state).all() for state in states)


def test_a_noise_that_sets_in_becomes_the_energy_detectors_baseline() -> None:
    noise = line_noise(8 * RATE_HZ, RATE_HZ, -35, np.random.default_rng(2))
    quiet = np.zeros(RATE_HZ, dtype=np.int16)
    found = probabilities_of(Energy(), np.concatenate((quiet, noise)))
    assert found[35:40].min() > 0.5
    assert found[-30:].max() < 0.5


def test_clicks_shorter_than_the_debounce_are_no_voice() -> None:
    click = np.zeros(20 * WINDOW, dtype=np.int16)
    click[10 * WINDOW : 11 * WINDOW] = 10000
    assert probabilities_of(Energy(), click).max() > 0.5
    patient = Energy(replace(ENERGY, debounce_s=0.06))
    assert probabilities_of(patient, click).max() < 0.5
    assert dbfs(click) > -30


def test_silero_is_chosen_where_it_loads() -> None:
    detector, warning = choose_detector()
    assert (detector.name, warning) == ("silero", "")


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_energy_stands_in_with_a_sentence_where_the_model_is_missing_or_damaged(
    tmp_path: Path, content: bytes | None
) -> None:
    model = tmp_path / "model.onnx"
    if content is not None:
        model.write_bytes(content)
    detector, warning = choose_detector(lambda: Silero(model))
    assert detector.name == "energy"
    assert "loudness alone" in warning
    assert "model.onnx" in warning


def test_another_model_is_refused(tmp_path: Path) -> None:
    from faster_whisper.utils import get_assets_path

    with pytest.raises(EngineError, match="not the detector"):
        Silero(Path(get_assets_path()) / "silero_vad_v6.onnx")
