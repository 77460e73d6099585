"""Sentence embeddings on the CPU: one vector for what a sentence means."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import ModelError
from backend.modelstore.sentence import SENTENCE_MODEL_FILE, SENTENCE_TOKENIZER_FILE, fingerprint

MOST_TOKENS = 96
"""Sixty words, as many as the n-grams look at."""
MANY = 4000
"""Sentences that are encoded together: half the time of one by one. They then share the steps of
8-bit numbers, for a cosine of 0.993 to each alone, which ten examples an intent would feel."""
BATCH = 16
"""Of one length; more gain nothing."""

Vectors = NDArray[np.float32]
"""[texts, dimensions], each of length 1"""


class Encoder(Protocol):
    """Makes vectors of sentences; close in meaning is close in angle."""

    @property
    def fingerprint(self) -> str:
        """Changes with the model: what was learnt from one encoder is of no use to another."""

    def encode(self, text: str) -> NDArray[np.float32]:
        """One vector of length 1. Milliseconds of computing; callable from any thread."""

    def encode_all(self, texts: Sequence[str]) -> Vectors:
        """One row for each text."""


class SentenceEncoder:
    """A transformer as `frontdesk models fetch all-MiniLM-L6-v2` leaves it, on one thread."""

    def __init__(self, folder: Path, most_tokens: int = MOST_TOKENS) -> None:
        """Loads it: a quarter of a second. What is longer than `most_tokens` is not read to its
        end. Raises ModelError."""
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        options = SessionOptions()
        # A sentence is too short to share out, and the other cores have calls to serve.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session: Any = InferenceSession(
                folder / SENTENCE_MODEL_FILE, options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer: Any = Tokenizer.from_file(str(folder / SENTENCE_TOKENIZER_FILE))
            self.fingerprint = fingerprint(folder)
        except Exception as error:  # both libraries raise kinds of their own
            raise ModelError(
                f"The sentence model in {folder} cannot be loaded.",
                fix="Fetch it again: frontdesk models fetch all-MiniLM-L6-v2",
            ) from error
        self.folder = folder
        self._most_tokens = most_tokens
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(most_tokens)

    def encode(self, text: str) -> NDArray[np.float32]:
        """See `Encoder`."""
        vector: NDArray[np.float32] = self._run([self._ids(text)])[0]
        return vector

    def encode_all(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        if len(texts) < MANY:
            return np.array([self.encode(text) for text in texts], np.float32)
        ids = [self._ids(text) for text in texts]
        by_length: dict[int, list[int]] = {}
        for i, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(i)
        rows: dict[int, NDArray[np.float32]] = {}
        for alike in by_length.values():
            for start in range(0, len(alike), BATCH):
                batch = alike[start : start + BATCH]
                rows.update(zip(batch, self._run([ids[i] for i in batch]), strict=True))
        return np.array([rows[i] for i in range(len(texts))], np.float32)

    def _ids(self, text: str) -> list[int]:
        # Twenty characters a word: what a caller types has no limit.
        ids: list[int] = self._tokenizer.encode(text[: self._most_tokens * 20]).ids
        return ids

    def _run(self, ids: Sequence[Sequence[int]]) -> Vectors:
        fed = np.array(ids, np.int64)
        vectors: Vectors = self._session.run(
            None, {"input_ids": fed, "attention_mask": np.ones_like(fed)}
        )[0]
        return vectors


@lru_cache(maxsize=1)
def shared_encoder(folder: Path) -> SentenceEncoder:
    """The one that intents and retrieval share: it is 23 MB. Raises ModelError."""
    return SentenceEncoder(folder)
