"""Encoding passages in a process of its own, at the lowest priority: calls go first.

Run as a program: a request as JSON on standard input, a `.npy` array on standard output.
"""

import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backend.agent.child import run_child
from backend.agent.intents.encoder import SentenceEncoder, Vectors
from backend.core.errors import DocumentError

PASSAGE_TOKENS = 256
"""What all-MiniLM-L6-v2 was trained to read."""
LIMIT_S = 1800.0
"""Ten thousand passages take five minutes when nothing else runs."""


async def encode_in_child(texts: Sequence[str], folder: Path) -> Vectors:
    """One row for each text, by the model in `folder`. Raises DocumentError.

    Cancelling ends the process.
    """
    request = json.dumps({"texts": list(texts), "encoder": str(folder)}).encode()
    complaint = ""
    try:
        raw, complaint = await run_child(__name__, request, LIMIT_S)
        vectors: Vectors = np.load(io.BytesIO(raw), allow_pickle=False)
        if len(vectors) != len(texts):
            raise ValueError("other texts")
    except (TimeoutError, OSError, ValueError, EOFError) as error:
        raise DocumentError(f"Passages could not be encoded: {complaint or error}.") from error
    return vectors


def main() -> None:
    """A request in, vectors out."""
    os.nice(19)
    request = json.load(sys.stdin)
    encoder = SentenceEncoder(Path(request["encoder"]), PASSAGE_TOKENS)
    buffer = io.BytesIO()
    np.save(buffer, encoder.encode_all(request["texts"]))
    sys.stdout.buffer.write(buffer.getvalue())


if __name__ == "__main__":
    main()
