"""From a command to its coroutine."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


def run(coroutine: Coroutine[Any, Any, object]) -> None:
    """To its end; Ctrl-C ends it with status 130, as shells expect."""
    try:
        asyncio.run(coroutine)
    except KeyboardInterrupt:
        sys.exit(130)
