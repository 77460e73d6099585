"""`frontdesk bench whisper`: the model it makes, and the figures it works out."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from backend.cli.bench_whisper import Load, most_calls, run_whisper, tokens_of_speech
from backend.cli.whisper_shape import SHAPES, Shape
from backend.config import Settings
from backend.core.errors import ConfigError
from tests.support.caller_voice import have_flite

LOAD = Load(workers=2, duty=0.25, peeks=1.5, calls=2, trial_s=1.0)


def test_calls_follow_from_the_rate_of_decodes_and_of_turns() -> None:
    # A turn of 3 s every 12 s, decoded one and a half times: an eighth of a decode a second.
    assert most_calls(4.0, 3.0, LOAD) == pytest.approx(0.75 * 4.0 * 8)


def test_real_speech_has_three_tokens_a_second() -> None:
    assert tokens_of_speech(np.zeros(3 * 16000, np.float32)) == 9
    assert tokens_of_speech(np.zeros(0, np.float32)) == 1


def test_an_unknown_shape_is_an_error_that_names_the_others(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"huge.*tiny, base"):
        asyncio.run(run_whisper(settings, shape="huge", count=1, load=LOAD, as_json=True))


@pytest.mark.skipif(not have_flite(), reason="flite speaks the callers' part")
def test_it_measures_a_model_alone_and_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SHAPES, "mini", Shape(64, layers=1, heads=1))
    settings = Settings(_env_file=None, data_dir=tmp_path)
    load = Load(workers=1, duty=1.0, peeks=2.0, calls=2, trial_s=0.5)

    asyncio.run(run_whisper(settings, shape="mini", count=3, load=load, as_json=True))

    figures = json.loads(capsys.readouterr().out)
    assert figures["decode"]["count"] == figures["rolling"]["count"] == 3
    assert figures["decodes_per_s"] > 0
    assert 2.0 < figures["spoken_s"] < 4.0
    assert figures["conditions"]["tokens"] == "3/s of speech"
    assert figures["trial"]["calls"] == 2
