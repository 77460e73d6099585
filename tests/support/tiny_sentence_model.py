"""A sentence model as its makers publish it, with random weights: real in every way but size."""

import json
import string
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

WIDTH, HEADS, LAYERS, INNER, PLACES = 32, 4, 2, 64, 128
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = """open close lock the a big old gate sing play hum sad new song please that my bill
internet is down what i owe and""".split()


def publish(folder: Path) -> Path:
    """Writes config.json, tokenizer.json and model.safetensors into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = dict.fromkeys((*SPECIAL, *WORDS, *string.ascii_lowercase))
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_size": WIDTH,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "model.safetensors").write_bytes(_safetensors(_weights(len(vocabulary))))
    return folder


def _weights(words: int) -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(1)

    def some(*shape: int) -> NDArray[np.float32]:
        return chance.normal(0, 0.3, shape).astype(np.float32)

    def norm(name: str) -> dict[str, NDArray[np.float32]]:
        return {
            f"{name}.LayerNorm.weight": np.ones(WIDTH, np.float32),
            f"{name}.LayerNorm.bias": np.zeros(WIDTH, np.float32),
        }

    weights = {
        "embeddings.word_embeddings.weight": some(words, WIDTH),
        "embeddings.position_embeddings.weight": some(PLACES, WIDTH) * 0.1,
        "embeddings.token_type_embeddings.weight": some(2, WIDTH) * 0.1,
        **norm("embeddings"),
    }
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        shapes = {
            f"{at}.attention.self.query": (WIDTH, WIDTH),
            f"{at}.attention.self.key": (WIDTH, WIDTH),
            f"{at}.attention.self.value": (WIDTH, WIDTH),
            f"{at}.attention.output.dense": (WIDTH, WIDTH),
            f"{at}.intermediate.dense": (INNER, WIDTH),
            f"{at}.output.dense": (WIDTH, INNER),
        }
        for name, shape in shapes.items():
            weights |= {f"{name}.weight": some(*shape), f"{name}.bias": some(shape[0]) * 0.1}
        weights |= norm(f"{at}.attention.output") | norm(f"{at}.output")
    return weights


def _safetensors(weights: dict[str, NDArray[np.float32]]) -> bytes:
    """A length, JSON with offsets, raw numbers."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, array in weights.items():
        raw = array.tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        body += raw
    described = json.dumps(header).encode()
    return len(described).to_bytes(8, "little") + described + body
