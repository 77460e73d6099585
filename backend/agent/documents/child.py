"""Reading one document in a process of its own: parsers of hostile files get limits, not trust.

Run as a program: the document is standard input (a file, so it can be sought), its name the only
argument; the passages, or what is wrong, come as JSON on standard output.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
from typing import Any, BinaryIO

from backend.agent.documents.passages import passages
from backend.agent.documents.read import read_sections
from backend.agent.knowledge.facts import Fact
from backend.config import ROOT
from backend.core.errors import DocumentError

LIMIT_S = 60.0
"""Of computing; a manual of 1,000 pages takes three."""
WALL_LIMIT_S = 3 * LIMIT_S
MEMORY_LIMIT_BYTES = 1024 * 1024**2
MOST_PASSAGES = 20_000
_MOST_REPLY_BYTES = 64 * 1024**2
_TOO_MUCH = "takes too much memory or time to read"
_SPLIT = "Split it, or save it in another format."


async def read_in_child(name: str, file: BinaryIO) -> list[Fact]:
    """The passages of a document. Raises DocumentError. Cancelling ends the process."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        name,
        cwd=ROOT,  # where this package is found even when it is not installed
        stdin=file,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WALL_LIMIT_S):
            reply = await _limited(child)
        answer = json.loads(reply)
        if problem := answer.get("problem"):
            raise DocumentError(str(problem), fix=str(answer.get("fix", "")))
        return [Fact(str(text), str(source), str(about)) for text, source, about in answer["facts"]]
    except (TimeoutError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DocumentError(_TOO_MUCH, fix=_SPLIT) from error
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()


async def _limited(child: asyncio.subprocess.Process) -> bytes:
    """Standard output to its end. Raises ValueError when there is too much of it."""
    reply = bytearray()
    if child.stdout is not None:
        while part := await child.stdout.read(1 << 16):
            reply += part
            if len(reply) > _MOST_REPLY_BYTES:
                raise ValueError("too much text")
    return bytes(reply)


def main() -> None:
    """A document in, passages out; whatever a parser does wrong becomes a sentence."""
    os.nice(19)
    cpu_s = int(LIMIT_S)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What a library prints must not get between us and our reader.
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    json.dump(_answer(sys.argv[1], sys.stdin.buffer), reply)
    reply.close()


def _answer(name: str, file: BinaryIO) -> dict[str, Any]:
    try:
        found = passages(name, read_sections(name, file))
    except DocumentError as error:
        return {"problem": error.message, "fix": error.fix}
    except (MemoryError, RecursionError):
        return {"problem": _TOO_MUCH, "fix": _SPLIT}
    except Exception as error:  # parsers raise what they like
        return {
            "problem": f"cannot be read ({type(error).__name__})",
            "fix": "It is damaged, or not what its ending says. Save it again.",
        }
    if not found:
        return {"problem": "has no text in it", "fix": "Write something in it, or take it out."}
    if len(found) > MOST_PASSAGES:
        return {"problem": f"has more than {MOST_PASSAGES} passages", "fix": "Split it."}
    return {"facts": [(fact.text, fact.source, fact.about) for fact in found]}


if __name__ == "__main__":
    main()
