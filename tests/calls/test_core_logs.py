"""The log file: lines of JSON, and never more of them than it may hold."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from backend.core import logs


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, structured = root.handlers[:], root.level, structlog.get_config()
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    structlog.configure(**structured)


def test_a_full_log_file_is_put_aside_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 2000)
    file = tmp_path / "logs" / "bot.log"
    logs.configure_logging("info", file)
    for number in range(200):
        logging.getLogger("test").info("line %d", number)
    kept = sorted(file.parent.iterdir())
    assert [one.name for one in kept] == ["bot.log", *(f"bot.log.{n}" for n in range(1, 6))]
    assert all(2000 <= one.stat().st_size < 2500 for one in kept[1:])
    written = [line for one in reversed(kept) for line in one.read_text().splitlines()]
    lines = [json.loads(line)["event"] for line in written]
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)]


def test_a_log_file_that_is_no_file_is_never_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 0)
    nowhere = tmp_path / "bot.log"
    nowhere.symlink_to("/dev/null")
    logs.configure_logging("info", nowhere)
    logging.getLogger("test").info("line")
    assert list(tmp_path.iterdir()) == [nowhere]
