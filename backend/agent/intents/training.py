"""Learns a `LinearModel` from example phrases.

Run as a program (examples as JSON on standard input, the model on standard output) it keeps
scikit-learn, two seconds to import and a hundred megabytes, out of the process that answers
calls, and its computing off that process's interpreter lock.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.features import Vectoriser
from backend.agent.intents.linear import LinearModel, ModelFileError, softmax
from backend.agent.knowledge.model import UNKNOWN
from backend.config import ROOT
from backend.core.errors import KnowledgeError

FOLDS = 4
"""Calibration looks at every example through a model that did not see it."""
REJECTED_FRACTION = 0.03
"""The out-of-scope threshold may cost this share of the operator's own phrases."""
TRAINING_LIMIT_S = 120.0
"""Fifteen thousand examples take 45 s; more means that the machine is in trouble."""

Examples = Mapping[str, Sequence[str]]


async def train_in_child(examples: Examples) -> LinearModel:
    """Train in a process of its own. Raises KnowledgeError when that process fails.

    Cancelling ends the process.
    """
    request = json.dumps({label: list(phrases) for label, phrases in examples.items()})
    try:
        raw, complaint = await _run_child(request.encode())
    except (TimeoutError, OSError) as error:
        raise _failure(str(error) or "it took too long") from error
    try:
        return LinearModel.from_bytes(raw)
    except ModelFileError as error:
        raise _failure(complaint.decode(errors="replace").strip().rpartition("\n")[2]) from error


async def _run_child(request: bytes) -> tuple[bytes, bytes]:
    """Standard output and error of this module run as a program on `request`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        cwd=ROOT,  # where this package is found even when it is not installed
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TRAINING_LIMIT_S):
            return await child.communicate(request)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _failure(detail: str) -> KnowledgeError:
    return KnowledgeError(
        f"The intent classifier could not be trained: {detail[:300]}.",
        fix="Run `frontdesk doctor`; scikit-learn may not be installed completely.",
    )


def train(examples: Examples) -> LinearModel:
    """Learn from phrases per label. The label `unknown` holds phrases that are not for us."""
    labels = tuple(examples)
    texts = [text for phrases in examples.values() for text in phrases]
    targets = np.array(
        [column for column, phrases in enumerate(examples.values()) for _ in phrases], np.intp
    )
    vectoriser = Vectoriser.fit(texts)
    rows = [vectoriser.vector(text) for text in texts]
    weights, bias = _fit(rows, targets, len(vectoriser.columns), len(labels))
    margins = _unseen_margins(rows, targets, len(vectoriser.columns), len(labels))
    scale = _calibrate(margins, targets)
    model = LinearModel(vectoriser, labels, weights, bias, scale, known_from=0.0)
    return LinearModel(
        vectoriser, labels, weights, bias, scale, _threshold(model, margins, targets)
    )


Row = tuple[NDArray[np.intp], NDArray[np.float32]]


def _fit(
    rows: Sequence[Row], targets: NDArray[np.intp], features: int, labels: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One linear support vector machine per label: [features, labels] weights, [labels] biases."""
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    weights = np.zeros((features, labels), np.float32)
    bias = np.full(labels, -1.0, np.float32)
    if len(np.unique(targets)) < 2:
        return weights, bias
    starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    matrix = csr_matrix(
        (
            np.concatenate([values for _, values in rows]),
            np.concatenate([columns for columns, _ in rows]),
            starts,
        ),
        shape=(len(rows), features),
    )
    machine = LinearSVC(C=1.0, random_state=0).fit(matrix, targets)
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # two labels share one machine: the second's
        coefficients = np.vstack([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    weights[:, machine.classes_] = coefficients.T
    bias[machine.classes_] = intercepts
    return weights, bias


def _unseen_margins(
    rows: Sequence[Row], targets: NDArray[np.intp], features: int, labels: int
) -> NDArray[np.float32]:
    """Margins of every example under a model trained without its fold: [examples, labels]."""
    margins = np.zeros((len(rows), labels), np.float32)
    # Every label is spread over the folds; those of few examples not all over the same.
    order = np.zeros(len(rows), np.intp)
    for label in range(labels):
        mine = np.flatnonzero(targets == label)
        order[mine] = (label + np.arange(len(mine))) % FOLDS
    for fold in range(FOLDS):
        kept = np.flatnonzero(order != fold).tolist()
        weights, bias = _fit([rows[i] for i in kept], targets[kept], features, labels)
        for i in np.flatnonzero(order == fold).tolist():
            columns, values = rows[i]
            margins[i] = values @ weights[columns] + bias
    return margins


def _calibrate(margins: NDArray[np.float32], targets: NDArray[np.intp]) -> float:
    """The softmax scale with the smallest negative log-likelihood on unseen examples."""
    scales = np.geomspace(0.5, 20, 60)
    losses = [
        -np.log(softmax(scale * margins)[np.arange(len(targets)), targets] + 1e-9).mean()
        for scale in scales
    ]
    return float(scales[int(np.argmin(losses))])


def _threshold(
    model: LinearModel, margins: NDArray[np.float32], targets: NDArray[np.intp]
) -> float:
    """The confidence that all but `REJECTED_FRACTION` of rightly recognised phrases reach."""
    right = []
    for scores, target in zip(softmax(model.scale * margins), targets, strict=True):
        guess = model.decide(scores)
        if guess.label == model.labels[target] != UNKNOWN:
            right.append(guess.confidence)
    return float(np.quantile(right, REJECTED_FRACTION)) if right else 0.0


def main() -> None:
    """Examples in, model out."""
    sys.stdout.buffer.write(train(json.load(sys.stdin)).to_bytes())


if __name__ == "__main__":
    main()
