"""WAV files of 16-bit PCM: read, written as they come, followed while another process writes."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import EMPTY, Pcm
from backend.audio.riff import (
    HEADER_BYTES,
    MAX_DATA_BYTES,
    SAMPLE_BYTES,
    read_header,
    scan_growing_header,
    wav_header,
)
from backend.core.errors import AudioError

MERGE_BLOCK = 65_536
"""Samples merged at a time."""


def read_wav(path: Path, *, longest_s: float = 3600.0) -> tuple[Pcm, int]:
    """Samples and rate in Hz. Stereo is mixed down.

    Raises AudioError when the file is missing, damaged, cut short, longer than `longest_s`, or
    not 16-bit PCM.
    """
    samples, rate_hz = read_wav_channels(path, longest_s=longest_s)
    if samples.shape[1] == 1:
        return samples[:, 0], rate_hz
    return samples.mean(axis=1).astype(np.int16), rate_hz


def read_wav_channels(path: Path, *, longest_s: float = 3600.0) -> tuple[NDArray[np.int16], int]:
    """Samples of shape (frames, channels) and rate in Hz. Raises AudioError as `read_wav`."""
    try:
        with path.open("rb") as file:
            header = read_header(file, path)
            frame_bytes = SAMPLE_BYTES * header.channels
            if header.data_bytes > longest_s * header.rate_hz * frame_bytes:
                raise AudioError(f"{path} is longer than {longest_s:g} s, the most we read.")
            file.seek(header.data_offset)
            data = file.read(header.data_bytes)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) < header.data_bytes:
        raise AudioError(
            f"{path} is cut short: {len(data)} of {header.data_bytes} bytes of audio are there.",
            fix="Copy or record it again.",
        )
    whole = len(data) - len(data) % frame_bytes
    samples = np.frombuffer(data[:whole], dtype="<i2").astype(np.int16)
    return samples.reshape(-1, header.channels), header.rate_hz


def _unreadable(path: Path, error: OSError) -> AudioError:
    return AudioError(f"{path} cannot be read: {error.strerror}.")


def write_wav(path: Path, pcm: NDArray[np.int16], rate_hz: int) -> None:
    """Write mono (one-dimensional) or stereo (frames, 2). Raises AudioError."""
    with WavWriter(path, rate_hz, channels=1 if pcm.ndim == 1 else pcm.shape[1]) as writer:
        writer.write(pcm)


class WavWriter:
    """Writes a WAV as it comes. After every `write` the file on disk is complete and playable.

    Raises AudioError when the disk refuses.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int = 1) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._channels = channels
        self._data_bytes = 0
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise self._failure(error) from error
        self._closed = False
        try:
            self._write_header()
        except AudioError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def duration_s(self) -> float:
        """Seconds written so far."""
        return self._data_bytes / (SAMPLE_BYTES * self._channels * self._rate_hz)

    def write(self, pcm: NDArray[np.int16]) -> None:
        """Append samples: one-dimensional for mono, (frames, channels) for stereo."""
        if self._closed:
            raise AudioError(f"{self._path} is closed already.")
        if pcm.ndim != (1 if self._channels == 1 else 2) or (
            pcm.ndim == 2 and pcm.shape[1] != self._channels
        ):
            raise AudioError(f"{self._path} takes {self._channels} channels, not {pcm.shape}.")
        data = pcm.astype("<i2", copy=False).tobytes()
        if self._data_bytes + len(data) > MAX_DATA_BYTES:
            raise AudioError(f"{self._path} is full: a WAV file ends at 4 GiB.")
        # Samples first, sizes after: killed in between, the file is short but right.
        self._write_at(data, HEADER_BYTES + self._data_bytes)
        self._data_bytes += len(data)
        self._write_header()

    def close(self) -> None:
        """Close the file; more than once is harmless."""
        if not self._closed:
            self._closed = True
            os.close(self._fd)

    def _write_header(self) -> None:
        self._write_at(wav_header(self._rate_hz, self._channels, self._data_bytes), 0)

    def _write_at(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._fd, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> AudioError:
        return AudioError(f"{self._path} cannot be written: {error.strerror}.")


class GrowingWavReader:
    """Follows a mono WAV that another process (Asterisk) is still writing.

    The sizes in its header are not believed: they are right only when the writer has finished.
    The file may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rate_hz: int | None = None
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def rate_hz(self) -> int | None:
        """Sample rate; None until the header is there."""
        return self._rate_hz

    def read_new(self, at_most: int | None = None) -> Pcm:
        """The whole samples added since the last call; empty while there are none.

        A file cut shorter than what was read has nothing new. Raises AudioError when it is not a
        mono 16-bit WAV or cannot be read.
        """
        try:
            if self._file is None:
                self._file = self._path.open("rb")
            if self._rate_hz is None and not self._find_samples(self._file):
                return EMPTY
            return self._read_on(self._file, at_most)
        except FileNotFoundError:
            return EMPTY
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def close(self) -> None:
        """Close the file; more than once is harmless."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _find_samples(self, file: BinaryIO) -> bool:
        file.seek(0)
        header = scan_growing_header(file, self._path)
        if header is None:
            return False
        if header.channels != 1:
            raise AudioError(f"{self._path} is stereo; one caller is recorded in mono.")
        self._rate_hz = header.rate_hz
        self._position = header.data_offset
        return True

    def _read_on(self, file: BinaryIO, at_most: int | None) -> Pcm:
        new_bytes = os.fstat(file.fileno()).st_size - self._position
        if new_bytes < 0:
            # Asterisk cuts the trailing silence off when it ends a recording.
            return EMPTY
        if at_most is not None:
            new_bytes = min(new_bytes, SAMPLE_BYTES * at_most)
        file.seek(self._position)
        data = file.read(new_bytes)
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._position += whole
        return np.frombuffer(data[:whole], dtype="<i2").astype(np.int16)


def merge_to_stereo(left: Path, right: Path, out: Path) -> None:
    """Two mono WAVs of one rate into one stereo file, the shorter padded with silence.

    A file that is missing, or has no samples, is a silent side. Sizes in the headers are not
    believed, so parts of a killed writer merge too. Memory use does not grow with the length.
    Raises AudioError when a part is damaged, the rates differ, or `out` cannot be written.
    """
    with GrowingWavReader(left) as left_reader, GrowingWavReader(right) as right_reader:
        readers = (left_reader, right_reader)
        for reader in readers:
            reader.read_new(at_most=0)  # finds the rate
        rates = {reader.rate_hz for reader in readers if reader.rate_hz is not None}
        if not rates:
            raise AudioError(f"Neither {left} nor {right} has any audio.")
        if len(rates) > 1:
            raise AudioError(f"{left} and {right} have different sample rates.")
        with WavWriter(out, rates.pop(), channels=2) as writer:
            while True:
                blocks = [reader.read_new(MERGE_BLOCK) for reader in readers]
                length = max(len(block) for block in blocks)
                if not length:
                    return
                stereo = np.zeros((length, 2), dtype=np.int16)
                for side, block in enumerate(blocks):
                    stereo[: len(block), side] = block
                writer.write(stereo)
