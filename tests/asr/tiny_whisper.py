"""Whisper models of a few hundred kilobytes, for the real loader.

One has random weights. The other has no ears: its decoder's position alone decides the next
letter, so that it says a sentence of ours, as surely as we like, to whatever it is played.
"""

from pathlib import Path

import numpy as np

from backend.cli.whisper_shape import (
    DECODER_POSITIONS,
    Shape,
    all_tokens,
    build_spec,
    save,
    tokenizer,
)

WIDTH = 64
"""Of the model; also one more than the letters it can be made to say, prompt included."""
SHAPE = Shape(WIDTH, layers=1, heads=1)
LANGUAGES = ["<|en|>", "<|de|>", "<|fr|>"]


def build_random_model(folder: Path, *, seed: int = 7) -> Path:
    """A model that has learnt nothing."""
    random = np.random.default_rng(seed)
    text = tokenizer()
    tokens = all_tokens(text, LANGUAGES)
    spec = build_spec(SHAPE, len(tokens), lambda *size: random.normal(0, 0.2, size))
    return save(spec, text, tokens, LANGUAGES, folder)


def build_scripted_model(
    folder: Path, text: str, *, sureness: float = 2.0, no_speech: bool = False
) -> Path:
    """A model that says `text` (at most 60 letters) to everything.

    With a `sureness` of 2 each letter has a probability near one, with 0.9 about a half.
    """
    letters = tokenizer()
    tokens = all_tokens(letters, LANGUAGES)
    ids = {token: index for index, token in enumerate(tokens)}
    spec = build_spec(SHAPE, len(tokens), lambda *size: np.zeros(size))
    positions = np.zeros((DECODER_POSITIONS, WIDTH), np.float32)
    positions[:WIDTH] = np.eye(WIDTH, dtype=np.float32)
    spec.decoder.position_encodings.encodings = positions
    projection = np.zeros((len(tokens), WIDTH), np.float32)
    script = [*letters.encode(text).ids, ids["<|endoftext|>"]]
    # The prompt is two tokens: start of transcript and no timestamps.
    for position, token in enumerate(script, start=1):
        projection[token, position] = sureness
    if no_speech:
        projection[ids["<|nospeech|>"], 0] = 2.0
    spec.decoder.projection.weight = projection
    return save(spec, letters, tokens, LANGUAGES, folder)
