"""Offices for the tests: a fresh one for who changes things, a shared one for who looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.office import Office, open_office, seeded_database


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded_database(tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where trained intents are kept, so that one training does."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def office(tmp_path: Path, seeded: Path) -> Iterator[Office]:
    with open_office(tmp_path, seeded) as office:
        yield office


@pytest.fixture(scope="session")
def shared_office(tmp_path_factory: pytest.TempPathFactory, seeded: Path) -> Iterator[Office]:
    """For tests that only look."""
    with open_office(tmp_path_factory.mktemp("office"), seeded) as office:
        yield office
