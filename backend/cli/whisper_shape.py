"""Whisper models of any size with weights of one's own, in CTranslate2's format.

What a decode costs depends on a model's shape and not on what it has learnt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

MEL_BANDS = 80
ENCODER_POSITIONS = 1500
DECODER_POSITIONS = 448
TEXT_TOKENS = 50257
LANGUAGES = 99
"""Of the models that are not English only; 51,865 tokens in all."""

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

Floats = NDArray[np.float32]
Weights = Callable[..., NDArray[np.floating[Any]]]
"""Makes an array of the shape that it is called with."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions in which Whisper's models differ, encoder and decoder alike."""

    width: int
    layers: int
    heads: int


SHAPES = {"tiny": Shape(384, 4, 6), "base": Shape(512, 6, 8), "small": Shape(768, 12, 12)}
"""As published: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022,
table 1."""


def build_random_model(folder: Path, shape: Shape, *, seed: int = 7) -> Path:
    """A model of a published shape that has learnt nothing, its weights in 8 bits."""
    random = np.random.default_rng(seed)
    languages = ["<|en|>", *(f"<|l{number}|>" for number in range(1, LANGUAGES))]
    words = TEXT_TOKENS - tokenizer().get_vocab_size()
    made = tokenizer([f"Ġw{number}" for number in range(words)])
    tokens = all_tokens(made, languages)
    spec = build_spec(
        shape, len(tokens), lambda *size: random.standard_normal(size, dtype=np.float32) / 20
    )
    return save(spec, made, tokens, languages, folder, quantization="int8")


def tokenizer(words: Sequence[str] = ()) -> Tokenizer:
    """Bytes, hardly any merges, and words that are never made of bytes but can be written."""
    letters = sorted(ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    for token in (*("".join(pair) for pair in _MERGES), *words):
        vocabulary[token] = len(vocabulary)
    made = Tokenizer(BPE(vocabulary, _MERGES))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevelDecoder()
    return made


def all_tokens(text: Tokenizer, languages: Sequence[str]) -> list[str]:
    """In Whisper's order: text, special tokens around the languages, times."""
    letters = text.get_vocab()
    tokens = sorted(letters, key=lambda token: letters[token])
    tokens += [*_SPECIAL_BEFORE_LANGUAGES, *languages, *_SPECIAL_AFTER_LANGUAGES]
    return tokens + [f"<|{index * 0.02:.2f}|>" for index in range(1501)]


def build_spec(shape: Shape, vocabulary: int, weights: Weights) -> WhisperSpec:
    """All layers filled; biases are 0 and norms change nothing."""
    spec = WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    fill = _Filler(shape.width, weights)
    for conv, into in ((spec.encoder.conv1, MEL_BANDS), (spec.encoder.conv2, shape.width)):
        conv.weight, conv.bias = fill.made(shape.width, into, 3), np.zeros(shape.width, np.float32)
    spec.encoder.position_encodings.encodings = fill.made(ENCODER_POSITIONS, shape.width)
    fill.norm(spec.encoder.layer_norm)
    for layer in spec.encoder.layer:
        fill.attention(layer.self_attention, 3, 1)
        fill.feed_forward(layer.ffn)
    spec.decoder.embeddings.weight = fill.made(vocabulary, shape.width)
    spec.decoder.position_encodings.encodings = fill.made(DECODER_POSITIONS, shape.width)
    fill.norm(spec.decoder.layer_norm)
    for layer in spec.decoder.layer:
        fill.attention(layer.self_attention, 3, 1)
        fill.attention(layer.attention, 1, 2, 1)
        fill.feed_forward(layer.ffn)
    spec.decoder.projection.weight = fill.made(vocabulary, shape.width)
    return spec


def save(
    spec: WhisperSpec,
    text: Tokenizer,
    tokens: Sequence[str],
    languages: Sequence[str],
    folder: Path,
    *,
    quantization: str | None = None,
) -> Path:
    """Write a folder that faster-whisper loads. `tokens` begin with those of `text`."""
    ids = {token: index for index, token in enumerate(tokens)}
    spec.register_vocabulary(list(tokens))
    spec._config = WhisperConfig(
        suppress_ids=[],
        suppress_ids_begin=[],
        lang_ids=[ids[token] for token in languages],
        alignment_heads=[(0, 0)],
    )
    spec.validate()
    if quantization is not None:
        spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    special = tokens[text.get_vocab_size() :]
    text.add_special_tokens([AddedToken(token, special=True) for token in special])
    text.save(str(folder / "tokenizer.json"))
    return folder


class _Filler:
    """Gives the parts of a layer their weights."""

    def __init__(self, width: int, weights: Weights) -> None:
        self._width = width
        self._weights = weights

    def made(self, *size: int) -> Floats:
        return np.asarray(self._weights(*size), np.float32)

    def linear(self, layer: Any, out: int, into: int) -> None:
        layer.weight, layer.bias = self.made(out, into), np.zeros(out, np.float32)

    def norm(self, layer: Any) -> None:
        layer.gamma = np.ones(self._width, np.float32)
        layer.beta = np.zeros(self._width, np.float32)

    def attention(self, layer: Any, *outs: int) -> None:
        """`outs` in widths: queries, keys and values fused as CTranslate2 fuses them."""
        self.norm(layer.layer_norm)
        for part, out in zip(layer.linear, outs, strict=True):
            self.linear(part, out * self._width, self._width)

    def feed_forward(self, layer: Any) -> None:
        self.norm(layer.layer_norm)
        self.linear(layer.linear_0, 4 * self._width, self._width)
        self.linear(layer.linear_1, self._width, 4 * self._width)
