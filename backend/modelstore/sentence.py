"""Sentence models on disk."""

import hashlib
from pathlib import Path

SENTENCE_MODEL_FILE = "model.int8.onnx"
SENTENCE_TOKENIZER_FILE = "tokenizer.json"


def fingerprint(folder: Path) -> str:
    """Of the files that decide what a vector is."""
    digest = hashlib.sha256()
    for name in (SENTENCE_MODEL_FILE, SENTENCE_TOKENIZER_FILE):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
