"""Spoken sentences kept on disk: complete WAV files that Asterisk can play as they are.

Several processes may share the folder: files appear by renaming, so they are whole or absent, and
one that has vanished or is damaged is simply made again.
"""

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import structlog

from backend.audio.pcm import Pcm
from backend.audio.riff import HEADER_BYTES, SAMPLE_BYTES, read_header, wav_header
from backend.audio.wav import read_wav
from backend.core.errors import AudioError

log = structlog.get_logger(__name__)

TEXT_DIGITS = 24
_ENGINE_DIGITS = 8
_NAME = re.compile(r"[0-9a-f]{24}-[0-9a-f]{8}-\d{4,5}\.wav")
_PARTIAL_SUFFIX = ".part"
_TEMPORARY_PREFIX = "temporary-"
_ABANDONED_S = 3600.0
"""A partial or temporary file this old belongs to a process that died."""


@dataclass(frozen=True, slots=True)
class SpokenKey:
    """What makes two sentences the same audio."""

    engine: str
    """`Synthesiser.name`: engine and voice."""
    text: str
    """Speakable."""
    rate_hz: int

    @property
    def file_name(self) -> str:
        """Letters, digits and hyphens only: safe on an AGI command line."""
        return f"{digest_of(self.text)}-{digest_of(self.engine, _ENGINE_DIGITS)}-{self.rate_hz}.wav"


class SpokenFile:
    """One complete WAV in the cache. While the object lives, the file is not evicted."""

    __slots__ = ("__weakref__", "path", "rate_hz", "samples")

    def __init__(self, path: Path, rate_hz: int, samples: int) -> None:
        self.path = path
        self.rate_hz = rate_hz
        self.samples = samples

    @property
    def length_s(self) -> float:
        """Seconds of audio."""
        return self.samples / self.rate_hz

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return HEADER_BYTES + SAMPLE_BYTES * self.samples

    def read(self) -> Pcm:
        """All samples. Reads the disk. Raises AudioError when the file is gone or damaged."""
        samples, _ = read_wav(self.path)
        return samples


class SpeechCache:
    """Bounded by the bytes of its files; the least recently used go first.

    `find` is quick enough for the event loop (it reads one header); `open` and `store` are not.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        """By file name, least recently used first."""
        self._total_bytes = 0
        self._in_use: weakref.WeakValueDictionary[str, SpokenFile] = weakref.WeakValueDictionary()

    @property
    def total_bytes(self) -> int:
        """Size of everything in it."""
        return self._total_bytes

    def open(self) -> None:
        """Take over what earlier runs left. Raises AudioError when the folder cannot be made."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = [(entry.stat(), entry) for entry in os.scandir(self._folder)]
        except OSError as error:
            raise AudioError(
                f"Spoken sentences cannot be kept in {self._folder}: {error.strerror}."
            ) from error
        with self._lock:
            for stat, entry in sorted(found, key=lambda pair: pair[0].st_mtime):
                if _NAME.fullmatch(entry.name):
                    self._remember(entry.name, stat.st_size)
                elif _is_abandoned(entry.name, stat):
                    _unlink(Path(entry.path))
            self._evict()

    def find(self, key: SpokenKey) -> SpokenFile | None:
        """The sentence as this engine said it, if it is there and undamaged."""
        return self._find(key.file_name)

    def find_any(self, text: str, rate_hz: int) -> SpokenFile | None:
        """The sentence in whatever voice it was ever said here."""
        start, end = f"{digest_of(text)}-", f"-{rate_hz}.wav"
        with self._lock:
            names = [name for name in self._sizes if name.startswith(start) and name.endswith(end)]
        return next(filter(None, map(self._find, names)), None)

    def store(self, key: SpokenKey, pcm: Pcm) -> SpokenFile:
        """Keep a sentence, then make room. Raises AudioError when the disk refuses."""
        name = key.file_name
        path = self._folder / name
        partial = _written_aside(path, wav_file(pcm, key.rate_hz))
        with self._lock:
            # Renamed under the lock: nobody evicts the name between its arrival and its pin.
            _rename(partial, path)
            spoken = self._in_use.setdefault(name, SpokenFile(path, key.rate_hz, len(pcm)))
            self._remember(name, spoken.size_bytes)
            self._evict()
        return spoken

    def temporary(self, pcm: Pcm, rate_hz: int) -> SpokenFile:
        """A WAV that is never found again and goes when nobody holds it any more: beside the
        others, where the PBX can play it, else in the system's temporary folder.

        Raises AudioError when both refuse.
        """
        name = f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}-{rate_hz}.wav"
        try:
            path = _written(self._folder / name, wav_file(pcm, rate_hz))
        except AudioError:
            path = _written(Path(tempfile.gettempdir()) / name, wav_file(pcm, rate_hz))
        spoken = SpokenFile(path, rate_hz, len(pcm))
        weakref.finalize(spoken, _unlink, path)
        return spoken

    def _find(self, name: str) -> SpokenFile | None:
        path = self._folder / name
        with self._lock:
            spoken = opened(path)
            if spoken is None:
                if self._sizes.get(name) is not None:
                    log.warning("cached-speech-damaged", file=name)
                self._forget(name)
                return None
            self._remember(name, spoken.size_bytes)
            spoken = self._in_use.setdefault(name, spoken)
        with contextlib.suppress(OSError):
            os.utime(path)  # the order of use outlives the process
        return spoken

    def _remember(self, name: str, size: int) -> None:
        self._total_bytes += size - self._sizes.pop(name, 0)
        self._sizes[name] = size

    def _forget(self, name: str) -> None:
        self._total_bytes -= self._sizes.pop(name, 0)
        _unlink(self._folder / name)

    def _evict(self) -> None:
        for name in list(self._sizes):
            if self._total_bytes <= self._max_bytes:
                return
            if name not in self._in_use:
                self._forget(name)


def opened(path: Path) -> SpokenFile | None:
    """None when the file is not exactly the mono WAV that `SpeechCache.store` wrote."""
    try:
        with path.open("rb") as file:
            header = read_header(file, path)
            size = os.fstat(file.fileno()).st_size
    except (OSError, AudioError):
        return None
    spoken = SpokenFile(path, header.rate_hz, header.data_bytes // SAMPLE_BYTES)
    is_ours = header.channels == 1 and header.data_offset == HEADER_BYTES
    is_whole = size == spoken.size_bytes
    is_at_its_rate = path.stem.endswith(f"-{header.rate_hz}")
    return spoken if is_ours and is_whole and is_at_its_rate else None


def wav_file(pcm: Pcm, rate_hz: int) -> bytes:
    """A complete mono WAV."""
    return wav_header(rate_hz, 1, SAMPLE_BYTES * len(pcm)) + pcm.astype("<i2").tobytes()


def digest_of(text: str, length: int = TEXT_DIGITS) -> str:
    """What stands for `text` in a file's name."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _written_aside(path: Path, data: bytes) -> Path:
    """A file beside `path`, complete, so that nobody ever sees `path` half written."""
    partial = path.with_name(f"{path.stem}-{secrets.token_hex(4)}{_PARTIAL_SUFFIX}")
    try:
        # Readable to all: Asterisk may run as somebody else.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
    except OSError as error:
        raise _refused(partial, path, error) from error
    return partial


def _written(path: Path, data: bytes) -> Path:
    _rename(_written_aside(path, data), path)
    return path


def _rename(partial: Path, path: Path) -> None:
    try:
        partial.replace(path)
    except OSError as error:
        raise _refused(partial, path, error) from error


def _refused(partial: Path, path: Path, error: OSError) -> AudioError:
    _unlink(partial)
    return AudioError(f"{path} cannot be written: {error.strerror}.", fix="Is the disk full?")


def _is_abandoned(name: str, stat: os.stat_result) -> bool:
    is_passing = name.endswith(_PARTIAL_SUFFIX) or name.startswith(_TEMPORARY_PREFIX)
    return is_passing and time.time() - stat.st_mtime > _ABANDONED_S


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
