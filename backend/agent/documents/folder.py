"""The folder an operator drops documents into: what is in it, without following it out."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backend.core.errors import DocumentError

LARGEST_BYTES = 50 * 1000**2
"""A thousand pages with pictures; more is a file put here by mistake."""
MOST_DOCUMENTS = 2000
NOT_DOCUMENTS = frozenset({"readme.md", "readme.txt", "thumbs.db", "desktop.ini"})
"""About the folder, not of it."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `stamp` changes whenever it is edited or replaced."""

    name: str
    """Path below the folder, with slashes."""
    path: Path
    stamp: tuple[int, int, int]


def entries(folder: Path) -> list[Entry]:
    """Everything in the folder, by name; hidden files and what vanishes meanwhile are left out.

    Raises DocumentError when there are too many. A folder that is not there is empty.
    """
    found = []
    for path in _files(folder):
        try:
            seen = path.lstat()
        except OSError:
            continue
        # A name in another encoding than UTF-8 could be neither shown nor stored.
        name = os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")
        found.append(Entry(name, path, (seen.st_mtime_ns, seen.st_ino, seen.st_size)))
        if len(found) > MOST_DOCUMENTS:
            raise DocumentError(
                f"{folder} holds more than {MOST_DOCUMENTS} files; no document is read anew.",
                fix="Keep only what callers ask about.",
            )
    return sorted(found, key=lambda entry: entry.name)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith((".", "~")) and name.lower() not in NOT_DOCUMENTS:
                yield Path(place, name)


def open_document(folder: Path, entry: Entry) -> BinaryIO:
    """The file, open. Raises DocumentError for what is none, lies elsewhere, or is too large."""
    try:
        if not entry.path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise DocumentError("is a link to outside the folder", fix="Copy the document itself.")
        # Not blocking: a named pipe would keep us waiting for ever.
        file = os.fdopen(os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise DocumentError(
            f"cannot be opened: {error.strerror or error}", fix="Check its permissions."
        ) from error
    seen = os.fstat(file.fileno())
    try:
        if not stat.S_ISREG(seen.st_mode):
            raise DocumentError("is no file", fix="Take it out.")
        if seen.st_size > LARGEST_BYTES:
            raise DocumentError(
                f"is {seen.st_size / 1e6:.0f} MB large; at most {LARGEST_BYTES / 1e6:.0f} MB are"
                " read",
                fix="Split it, or take pictures out.",
            )
        if not seen.st_size:
            raise DocumentError("is empty", fix="Write something in it, or take it out.")
    except DocumentError:
        file.close()
        raise
    return file


def digest(file: BinaryIO) -> str:
    """SHA-256 of an open file, read in blocks; it stands at its beginning afterwards."""
    sums = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        sums.update(block)
    file.seek(0)
    return sums.hexdigest()
