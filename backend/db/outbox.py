"""The journal that operations wait in on disk while the database cannot take them.

`<data_dir>/outbox.jsonl` holds one operation a line. It is append-only, and emptied once the
database has committed everything in it. Should the process die between the two, the lines are
carried out again, which changes nothing (see `operations`).

A lock on the file says that its owner lives. A second process with the same data folder (a text
chat beside the running bot) gets `outbox-2.jsonl`, and so on. Whoever starts takes over the
journals, and with them the calls, of those that died, and holds them until it ends itself.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.core.errors import StoreError

MOST_OUTBOXES = 50
_ID_FILE = "bot-id"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a call: an installation, one of its outboxes, one run of a process."""

    installation: str
    outbox: int
    run: str

    @property
    def bot(self) -> str:
        """As in `models.Call.bot`."""
        return f"{self.any_run}{self.run}"

    @property
    def any_run(self) -> str:
        """What every run with this outbox has in common."""
        return f"{self.installation}/{self.outbox}/"


class Outbox:
    """One journal file, held open and locked. Safe to use from several threads."""

    def __init__(self, path: Path, number: int, fd: int) -> None:
        self.path = path
        self.number = number
        self._fd = fd
        self._lock = threading.Lock()
        self._size = os.fstat(fd).st_size
        self._is_torn = self._size > 0 and os.pread(fd, 1, self._size - 1) != b"\n"
        """Whether the last line was cut off when a process or a disk gave up."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits in it."""
        return self._size == 0

    def append(self, lines: Sequence[str], *, durable: bool) -> None:
        """Write lines, all or none; `durable` ones survive a power cut once this returns.

        Raises StoreError.
        """
        data = "".join(f"{line}\n" for line in lines).encode()
        with self._lock:
            try:
                _write_all(self._fd, b"\n" + data if self._is_torn else data)
                if durable:
                    os.fsync(self._fd)
            except OSError as error:
                self._take_back()
                raise _unwritable(self.path, error) from error
            self._is_torn = False
            self._size = os.fstat(self._fd).st_size

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._is_torn = True
            with suppress(OSError):
                self._size = os.fstat(self._fd).st_size

    def read(self, offset: int, most_lines: int) -> tuple[list[str], int]:
        """Lines from byte `offset` on, and the offset after them. Raises StoreError."""
        with self._lock:
            size = self._size
        lines: list[str] = []
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                while len(lines) < most_lines and file.tell() < size:
                    raw = file.readline()
                    if not raw:  # somebody emptied it under our hands
                        return lines, size
                    lines.append(raw.decode("utf-8", "replace").strip())
                return lines, file.tell()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}.") from error

    def clear(self, offset: int) -> bool:
        """Empty the file, unless there is more in it than the first `offset` bytes."""
        with self._lock:
            if self._size > offset:
                return False
            os.ftruncate(self._fd, 0)
            self._size = 0
            self._is_torn = False
            return True

    def close(self) -> None:
        """Let go of the file and its lock. Nothing may be called afterwards."""
        if self.number > 1 and self.is_empty:
            with suppress(OSError):
                self.path.unlink()
        os.close(self._fd)


def claim(data_dir: Path) -> list[Outbox]:
    """An outbox for this process, then those of processes that died. Raises StoreError."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        numbers = iter(range(1, MOST_OUTBOXES + 1))
        mine = next((box for n in numbers if (box := _lock(data_dir, n, create=True))), None)
        others = [box for n in numbers if (box := _lock(data_dir, n, create=False))]
    except OSError as error:
        raise _unwritable(data_dir, error) from error
    if mine is None:
        raise StoreError(
            f"All {MOST_OUTBOXES} outboxes in {data_dir} are taken.",
            fix="Stop bots that are no longer needed, or give each its own FRONTDESK_DATA_DIR.",
        )
    return [mine, *others]


def _lock(data_dir: Path, number: int, *, create: bool) -> Outbox | None:
    path = data_dir / ("outbox.jsonl" if number == 1 else f"outbox-{number}.jsonl")
    flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
    try:
        fd = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    if not path.exists() or not os.path.samestat(os.fstat(fd), path.stat()):
        os.close(fd)  # its last owner removed it while we waited at the door
        return None
    _sync_folder(data_dir)
    return Outbox(path, number, fd)


def identify(data_dir: Path, outbox_number: int) -> Identity:
    """Who we are in this run. Raises StoreError."""
    path, mine = data_dir / _ID_FILE, data_dir / f"{_ID_FILE}.{os.getpid()}"
    try:
        if not path.exists():
            mine.write_text(secrets.token_hex(4))
            with suppress(FileExistsError):  # another process was quicker: its id counts
                os.link(mine, path)
            mine.unlink()
        return Identity(path.read_text().strip()[:20], outbox_number, secrets.token_hex(4))
    except (OSError, UnicodeError) as error:
        raise StoreError(f"{path} cannot be used: {error}.") from error


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _sync_folder(folder: Path) -> None:
    """A new file's name reaches the disk with its folder, not with the file."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be written: {error.strerror or error}.",
        fix="Free some space there, or set FRONTDESK_DATA_DIR to another place.",
    )
