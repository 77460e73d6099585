"""What the tests of recognisers share."""

from pathlib import Path

import pytest

from backend.agent.knowledge.caller_words import caller_words
from backend.agent.knowledge.load import load_knowledge
from backend.asr.base import Vocabulary
from backend.asr.sphinx.materials import prepare
from backend.config import ROOT


@pytest.fixture(scope="session")
def company_vocabulary() -> Vocabulary:
    """Of the knowledge base that comes with Frontdesk."""
    words = caller_words(load_knowledge(ROOT / "kb" / "company_kb.json"))
    return Vocabulary(words.sentences, words.min_digits, words.max_digits, words.words)


@pytest.fixture(scope="session")
def sphinx_folder(tmp_path_factory: pytest.TempPathFactory, company_vocabulary: Vocabulary) -> Path:
    """Where PocketSphinx finds that vocabulary's language models made."""
    folder = tmp_path_factory.mktemp("sphinx")
    prepare(folder, company_vocabulary)
    return folder
