"""`frontdesk models`: what there is, what is here, and fetching."""

import sys
import time
from pathlib import Path

import typer

from backend.config import Settings
from backend.modelstore.catalogue import (
    CATALOGUE,
    PIPER_VOICES,
    SENTENCE_MODELS,
    WHISPER_MODELS,
    CatalogueModel,
    ModelKind,
)
from backend.modelstore.store import ModelStore

OLLAMA_PREFIX = "ollama:"
REFRESH_S = 0.2
LINES_EVERY = 0.1
"""Where there is no terminal a line is printed for each tenth of the download."""


def list_models(settings: Settings) -> None:
    """Print the catalogue, and models of the operator's own."""
    store = ModelStore(settings.data_dir)
    _list(store, ModelKind.WHISPER, "Whisper models (recognition)", WHISPER_MODELS)
    used = store.find_whisper(settings.asr_model, settings.language)
    if used is not None:
        typer.echo(f"  In use unless asr_engine says otherwise: {used.name}")
    typer.echo("")
    _list(store, ModelKind.PIPER, "Piper voices (speech)", PIPER_VOICES)
    typer.echo("")
    _list(store, ModelKind.SENTENCE, "Sentence models (what callers want)", SENTENCE_MODELS)
    typer.echo("\nFetch one: frontdesk models fetch NAME")
    typer.echo("A language model, through your Ollama: frontdesk models fetch ollama:NAME")


def fetch_model(settings: Settings, name: str) -> None:
    """Download a model, with progress, or take a sentence model from the folder or archive `name`.

    `ollama:NAME` is a language model that Ollama fetches. Raises ModelError.
    """
    if name.startswith(OLLAMA_PREFIX):
        _fetch_language_model(settings, name.removeprefix(OLLAMA_PREFIX))
        return
    source = Path(name).expanduser()
    if name not in CATALOGUE and source.exists():
        place = ModelStore(settings.data_dir).adopt_sentence(source)
        typer.echo(f"{source} is now {place}. It is used from the next start on.")
        return
    show = _Progress(name)
    place = ModelStore(settings.data_dir).fetch(name, show)
    show.end()
    typer.echo(f"{name} is in {place}. It is used from the next start on.")


def _fetch_language_model(settings: Settings, name: str) -> None:
    # Its client takes half a second to import, which only this one command needs.
    from backend.modelstore.ollama_pull import pull

    show = _Progress(name)
    try:
        pull(settings.ollama_url, name, show, time.sleep)
    finally:
        show.end()
    typer.echo(f"Ollama on {settings.ollama_url} has {name}.")
    if settings.ollama_model != name:
        typer.echo(f"To answer open questions with it, set FRONTDESK_OLLAMA_MODEL={name}.")


def _list(
    store: ModelStore, kind: ModelKind, title: str, models: tuple[CatalogueModel, ...]
) -> None:
    here = store.installed(kind)
    typer.echo(title)
    for model in models:
        mark = "here" if model.name in here else ""
        size = f"{model.about_bytes / 1e6:.0f} MB"
        typer.echo(f"  {model.name:<24}{size:>8}  {mark:<5} {model.summary}")
    known = {model.name for model in models}
    for name in here:
        if name not in known:
            typer.echo(f"  {name:<24}{'':>8}  here  Your own.")


class _Progress:
    """One line that counts up on a terminal; a few lines elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_terminal = sys.stdout.isatty()
        self._shown_at_s = 0.0
        self._shown_share = 0.0
        self._is_open = False

    def __call__(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        text = f"{self._name}  {done / 1e6:.0f} of {total / 1e6:.0f} MB"
        if self._is_terminal:
            now_s = time.monotonic()
            if done >= total or now_s - self._shown_at_s >= REFRESH_S:
                self._shown_at_s = now_s
                self._is_open = True
                typer.echo(f"\r{text}  {share:4.0%} ", nl=False)
        elif share - self._shown_share >= LINES_EVERY:
            self._shown_share = share
            typer.echo(text)

    def end(self) -> None:
        """Leave the line that counted."""
        if self._is_open:
            typer.echo("")
