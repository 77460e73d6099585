"""Trained models kept on disk, so that a start, or undoing an edit, needs no training."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from backend.agent.intents.encoder import Encoder
from backend.agent.intents.features import FEATURES_VERSION
from backend.agent.intents.linear import LinearModel, ModelFileError
from backend.agent.intents.stacked import STACKED_VERSION, StackedModel

log = structlog.get_logger(__name__)

KEPT_MODELS = 5

IntentModel = LinearModel | StackedModel


def model_path(
    folder: Path, examples: Mapping[str, Sequence[str]], encoder: Encoder | None
) -> Path:
    """Where the model of these examples lies, if it was kept."""
    made_by: list[object] = [FEATURES_VERSION]
    if encoder:
        made_by += [STACKED_VERSION, encoder.fingerprint]
    canonical = json.dumps([*made_by, {label: list(texts) for label, texts in examples.items()}])
    return folder / f"intents-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}.npz"


def read_model(path: Path, encoder: Encoder | None) -> IntentModel | None:
    """None when it was not kept or cannot be used."""
    try:
        raw = path.read_bytes()
        return StackedModel.from_bytes(raw, encoder) if encoder else LinearModel.from_bytes(raw)
    except FileNotFoundError:
        return None
    except (OSError, ModelFileError):
        log.warning("intent-model-unreadable", file=str(path))
        return None


def write_model(path: Path, model: IntentModel) -> None:
    """Keep the model for the next start; without space it is trained again then."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as part:
                part.write(model.to_bytes())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        models = sorted(path.parent.glob("intents-*.npz"), key=lambda file: file.stat().st_mtime)
        for old in models[:-KEPT_MODELS]:
            old.unlink(missing_ok=True)
    except OSError:
        log.warning("intent-model-not-kept", file=str(path))
