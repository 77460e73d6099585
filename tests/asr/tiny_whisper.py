"""Whisper models of a few hundred kilobytes, in CTranslate2's format, for the real loader.

One has random weights. The other has no ears: its decoder's position alone decides the next
letter, so that it says a sentence of ours, as surely as we like, to whatever it is played.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.whisper_spec import WhisperConfig
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

WIDTH = 64
"""Of the model; also one more than the letters it can be made to say, prompt included."""
MEL_BANDS = 80
ENCODER_POSITIONS = 1500
DECODER_POSITIONS = 448

# Whisper never says these after a space; without tokens of their own the space would be banned.
_MERGES = [("Ġ", "-"), ("Ġ", "'"), ("Ġ", "â")]
_SPECIAL_BEFORE_LANGUAGES = ["<|endoftext|>", "<|startoftranscript|>"]
_SPECIAL_AFTER_LANGUAGES = [
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
_LANGUAGES = ["<|en|>", "<|de|>", "<|fr|>"]

Floats = NDArray[np.float32]


def build_random_model(folder: Path, *, seed: int = 7) -> Path:
    """A model that has learnt nothing."""
    random = np.random.default_rng(seed)
    tokens = _tokens()
    spec = _blank_spec(len(tokens), lambda *shape: random.normal(0, 0.2, shape))
    return _save(spec, tokens, folder)


def build_scripted_model(
    folder: Path, text: str, *, sureness: float = 2.0, no_speech: bool = False
) -> Path:
    """A model that says `text` (at most 60 letters) to everything.

    With a `sureness` of 2 each letter has a probability near one, with 0.9 about a half.
    """
    tokens = _tokens()
    ids = {token: index for index, token in enumerate(tokens)}
    spec = _blank_spec(len(tokens), lambda *shape: np.zeros(shape))
    positions = np.zeros((DECODER_POSITIONS, WIDTH), np.float32)
    positions[:WIDTH] = np.eye(WIDTH, dtype=np.float32)
    spec.decoder.position_encodings.encodings = positions
    projection = np.zeros((len(tokens), WIDTH), np.float32)
    script = [*_tokenizer().encode(text).ids, ids["<|endoftext|>"]]
    # The prompt is two tokens: start of transcript and no timestamps.
    for position, token in enumerate(script, start=1):
        projection[token, position] = sureness
    if no_speech:
        projection[ids["<|nospeech|>"], 0] = 2.0
    spec.decoder.projection.weight = projection
    return _save(spec, tokens, folder)


def _tokens() -> list[str]:
    letters = _tokenizer().get_vocab()
    tokens = sorted(letters, key=lambda token: letters[token])
    tokens += [*_SPECIAL_BEFORE_LANGUAGES, *_LANGUAGES, *_SPECIAL_AFTER_LANGUAGES]
    tokens += [f"<|{index * 0.02:.2f}|>" for index in range(1501)]
    return tokens


def _tokenizer() -> Tokenizer:
    """Bytes, and hardly any merges."""
    letters = sorted(ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    for pair in _MERGES:
        vocabulary["".join(pair)] = len(vocabulary)
    tokenizer = Tokenizer(BPE(vocabulary, _MERGES))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    return tokenizer


def _blank_spec(
    vocabulary_size: int, weights: Callable[..., NDArray[np.floating[Any]]]
) -> WhisperSpec:
    spec = WhisperSpec(1, 1, 1, 1)

    def made(*shape: int) -> Floats:
        return np.asarray(weights(*shape), np.float32)

    def linear(layer: Any, out: int, into: int) -> None:
        layer.weight, layer.bias = made(out, into), np.zeros(out, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def attention(layer: Any, *outs: int) -> None:
        norm(layer.layer_norm)
        for part, out in zip(layer.linear, outs, strict=True):
            linear(part, out, WIDTH)

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 2 * WIDTH, WIDTH)
        linear(layer.linear_1, WIDTH, 2 * WIDTH)

    for conv, into in ((spec.encoder.conv1, MEL_BANDS), (spec.encoder.conv2, WIDTH)):
        conv.weight, conv.bias = made(WIDTH, into, 3), np.zeros(WIDTH, np.float32)
    spec.encoder.position_encodings.encodings = made(ENCODER_POSITIONS, WIDTH)
    norm(spec.encoder.layer_norm)
    attention(spec.encoder.layer[0].self_attention, 3 * WIDTH, WIDTH)
    feed_forward(spec.encoder.layer[0].ffn)
    spec.decoder.embeddings.weight = made(vocabulary_size, WIDTH)
    spec.decoder.position_encodings.encodings = made(DECODER_POSITIONS, WIDTH)
    norm(spec.decoder.layer_norm)
    attention(spec.decoder.layer[0].self_attention, 3 * WIDTH, WIDTH)
    attention(spec.decoder.layer[0].attention, WIDTH, 2 * WIDTH, WIDTH)
    feed_forward(spec.decoder.layer[0].ffn)
    spec.decoder.projection.weight = made(vocabulary_size, WIDTH)
    return spec


def _save(spec: WhisperSpec, tokens: list[str], folder: Path) -> Path:
    ids = {token: index for index, token in enumerate(tokens)}
    spec.register_vocabulary(tokens)
    spec._config = WhisperConfig(
        suppress_ids=[],
        suppress_ids_begin=[],
        lang_ids=[ids[token] for token in _LANGUAGES],
        alignment_heads=[(0, 0)],
    )
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer = _tokenizer()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token in tokens[tokenizer.get_vocab_size() :]]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
