"""The order of all tests."""

from pathlib import Path

import pytest

SYSTEM = Path(__file__).parent / "system"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real calls first: they take longest and mostly wait, so that other tests run beside them."""

    def place(item: pytest.Item) -> int:
        if SYSTEM in item.path.parents:
            return 0
        return 1 if any(map(item.get_closest_marker, ("pbx", "browser"))) else 2

    items.sort(key=place)
