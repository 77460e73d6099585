"""Training in a process of its own, off the interpreter lock of the one that answers calls.

Run as a program: a request as JSON on standard input, the model on standard output.
"""

import json
import sys
from pathlib import Path

from backend.agent.child import run_child
from backend.agent.intents.encoder import SentenceEncoder
from backend.agent.intents.linear import LinearModel, ModelFileError
from backend.agent.intents.stacked import StackedModel
from backend.agent.intents.training import Examples, train, train_stacked
from backend.core.errors import KnowledgeError

TRAINING_LIMIT_S = 300.0
"""Fifteen thousand examples take 60 s of one core; more means that the machine is in trouble."""


async def train_in_child(examples: Examples) -> LinearModel:
    """Train on n-grams alone. Raises KnowledgeError when the process fails.

    Cancelling ends the process.
    """
    raw, complaint = await _answer(examples, "")
    try:
        return LinearModel.from_bytes(raw)
    except ModelFileError as error:
        raise _failure(complaint) from error


async def train_stacked_in_child(examples: Examples, encoder: SentenceEncoder) -> StackedModel:
    """Train with embeddings; the process loads the encoder anew from its folder."""
    raw, complaint = await _answer(examples, str(encoder.folder))
    try:
        return StackedModel.from_bytes(raw, encoder)
    except ModelFileError as error:
        raise _failure(complaint) from error


async def _answer(examples: Examples, encoder: str) -> tuple[bytes, str]:
    """The model, and the last line of complaint when there is none."""
    phrases = {label: list(texts) for label, texts in examples.items()}
    request = json.dumps({"examples": phrases, "encoder": encoder})
    try:
        return await run_child(__name__, request.encode(), TRAINING_LIMIT_S)
    except (TimeoutError, OSError) as error:
        raise _failure(str(error) or "it took too long") from error


def _failure(detail: str) -> KnowledgeError:
    return KnowledgeError(
        f"The intent classifier could not be trained: {detail}.",
        fix="Run `frontdesk doctor`; scikit-learn may not be installed completely.",
    )


def main() -> None:
    """A request in, a model out."""
    request = json.load(sys.stdin)
    model: LinearModel | StackedModel
    if request["encoder"]:
        model = train_stacked(request["examples"], SentenceEncoder(Path(request["encoder"])))
    else:
        model = train(request["examples"])
    sys.stdout.buffer.write(model.to_bytes())


if __name__ == "__main__":
    main()
