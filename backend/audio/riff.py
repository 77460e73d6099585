"""The header of a WAV file: RIFF WAVE (Microsoft and IBM, 1991), 16-bit PCM, mono or stereo."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backend.core.errors import AudioError

HEADER_BYTES = 44
MAX_DATA_BYTES = 0xFFFF_FFFF - HEADER_BYTES
"""Sizes are 32-bit: 37 hours of 8 kHz stereo."""
SAMPLE_BYTES = 2
MIN_RATE_HZ, MAX_RATE_HZ = 1000, 192_000

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_PCM, _EXTENSIBLE = 1, 0xFFFE
_FORMAT_NAMES = {2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 0x31: "GSM", 0x55: "MP3"}
_CONVERT = "Convert it, e.g. `sox in.wav -e signed -b 16 -c 1 -r 8000 out.wav`."


@dataclass(frozen=True, slots=True)
class WavFormat:
    """What a header says."""

    rate_hz: int
    channels: int
    data_offset: int
    """Where the samples begin, in bytes."""
    data_bytes: int
    """Size of the samples as the header claims; wrong while the file is being written."""


def read_header(file: BinaryIO, path: Path) -> WavFormat:
    """Read from the start to the first sample. `path` is for the messages.

    Raises AudioError.
    """
    try:
        return _scan_chunks(file, path)
    except EOFError as error:
        raise AudioError(f"{path} is cut short: it ends inside its header.") from error


def scan_growing_header(file: BinaryIO, path: Path) -> WavFormat | None:
    """As `read_header`, but None while the header is not all there yet."""
    try:
        return _scan_chunks(file, path)
    except EOFError:
        return None


def _scan_chunks(file: BinaryIO, path: Path) -> WavFormat:
    riff = file.read(12)
    if riff[:4] != b"RIFF"[: len(riff)] or (len(riff) == 12 and riff[8:] != b"WAVE"):
        raise AudioError(f"{path} is not a WAV file.", fix=_CONVERT)
    if len(riff) < 12:
        raise EOFError
    offset, found = 12, None
    while True:
        name, size = _CHUNK.unpack(_exactly(file, _CHUNK.size))
        offset += _CHUNK.size
        if name == b"data":
            if found is None:
                raise AudioError(f"{path} is damaged: its format comes after its audio.")
            return WavFormat(*found, data_offset=offset, data_bytes=size)
        if name == b"fmt ":
            if not _FORMAT.size <= size <= 1024:
                raise AudioError(f"{path} is damaged: its format is {size} bytes long.")
            found = _check_format(_exactly(file, size), path)
        # Chunks are padded to even lengths.
        offset += size + size % 2
        file.seek(offset)


def _check_format(data: bytes, path: Path) -> tuple[int, int]:
    code, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(data)
    if code == _EXTENSIBLE and len(data) >= 26:
        code = int.from_bytes(data[24:26], "little")
    if code != _PCM:
        name = _FORMAT_NAMES.get(code, f"of type {code}")
        raise AudioError(f"{path} is {name}, not PCM.", fix=_CONVERT)
    if bits != 8 * SAMPLE_BYTES:
        raise AudioError(f"{path} has {bits}-bit samples; only 16-bit is read.", fix=_CONVERT)
    if channels not in (1, 2):
        raise AudioError(f"{path} has {channels} channels; only mono and stereo are read.")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioError(f"{path} is damaged: a sample rate of {rate_hz} Hz cannot be.")
    return rate_hz, channels


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def wav_header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """The 44 bytes before the samples."""
    frame_bytes = SAMPLE_BYTES * channels
    return _HEADER.pack(
        b"RIFF",
        HEADER_BYTES - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        _FORMAT.size,
        _PCM,
        channels,
        rate_hz,
        rate_hz * frame_bytes,
        frame_bytes,
        8 * SAMPLE_BYTES,
        b"data",
        data_bytes,
    )
