"""Prompts short enough for tests that wait for them to end."""

import shutil
import wave
from pathlib import Path

import pytest

from backend.pbx import folders, render


@pytest.fixture
def short_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fallback's prompts cut to a fifth of a second."""
    sounds = tmp_path / "short-prompts"
    sounds.mkdir()
    for prompt in folders.SOUNDS.glob("*.wav"):
        with (
            wave.open(str(prompt), "rb") as long,
            wave.open(str(sounds / prompt.name), "wb") as cut,
        ):
            cut.setparams(long.getparams())
            long.setpos(long.getframerate() // 5)
            cut.writeframes(long.readframes(long.getframerate() // 5))
    monkeypatch.setattr(folders, "SOUNDS", sounds)
    return sounds


@pytest.fixture
def own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the templates that a test may change."""
    copy = tmp_path / "asterisk"
    shutil.copytree(render.TEMPLATES, copy)
    monkeypatch.setattr(render, "TEMPLATES", copy)
    return copy
