"""Structured logs: JSON lines in a file, warnings in short on the terminal."""

import logging
import logging.handlers
import os
import stat
import sys
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO

import structlog

LOG_BYTES = 20 * 1024 * 1024
LOG_FILES = 5

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
]


def configure_logging(
    level: str, file: Path | None, terminal: TextIO | TextIOBase | None = None
) -> None:
    """Log at `level` to `file` (rotated; created with its folder), and warnings to `terminal`
    (default: stderr).

    Libraries' own log records go the same way. A folder that cannot be written leaves stderr only.
    """
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level.upper())
    root.addHandler(_terminal(terminal or sys.stderr))
    if file is not None:
        try:
            root.addHandler(_file(file))
        except OSError as error:
            root.warning("log file cannot be written: %s", error)
    for chatty in ("uvicorn.access", "httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _LogFile(logging.handlers.RotatingFileHandler):
    """Rotated with the first line that finds it full. The handler it is made from looks ahead,
    which takes rendering every line twice: half the cost of a line."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the base's name
        """See the base: never for what is no regular file."""
        del record
        if self.stream is None:
            self.stream = self._open()
        status = os.fstat(self.stream.fileno())
        return stat.S_ISREG(status.st_mode) and status.st_size >= self.maxBytes


def _file(file: Path) -> logging.Handler:
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(
        file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, delay=True, encoding="utf-8"
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    return handler


def _terminal(stream: TextIO | TextIOBase) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(colors=stream.isatty()),
            ],
        )
    )
    return handler
