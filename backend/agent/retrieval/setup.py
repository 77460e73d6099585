"""The library as the settings have it."""

from collections.abc import Callable
from functools import partial

from backend.agent.documents.shelf import Shelf
from backend.agent.intents.encoder import shared_encoder
from backend.agent.retrieval.embedding import encode_in_child
from backend.agent.retrieval.library import Library
from backend.config import Settings
from backend.core.errors import ModelError
from backend.modelstore.store import ModelStore


def open_library(settings: Settings, warn: Callable[[str, str], None]) -> Library:
    """Nothing is read yet. A quarter of a second where there is a sentence model to load."""
    cache_dir = settings.data_dir / "documents"
    shelf = Shelf(settings.documents_path, cache_dir)
    folder = ModelStore(settings.data_dir).find_sentence()
    if folder is None:
        return Library(shelf, cache_dir, warn)
    try:
        encoder = shared_encoder(folder)
    except ModelError as error:
        warn(error.code, f"{error} Questions are answered by words alone.")
        return Library(shelf, cache_dir, warn)
    encode_all = partial(encode_in_child, folder=folder)
    return Library(shelf, cache_dir, warn, encoder=encoder, encode_all=encode_all)
