"""What a program or library needs from the dynamic loader, read from the ELF file itself.

`readelf` belongs to binutils, which a plain machine does not have. Layout: System V gABI,
chapter 5; 64-bit little-endian only, which is both architectures we unpack for.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB = 1, 5


@dataclass(frozen=True, slots=True)
class Elf:
    """The part of an ELF file that decides whether it can be loaded."""

    needed: tuple[str, ...]
    """`DT_NEEDED`: file names of the libraries it asks for."""
    interpreter: str
    """Path of the loader it asks for; empty for libraries."""


def read_elf(path: Path) -> Elf | None:
    """None when the file is not a 64-bit little-endian ELF, or is cut short."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    try:
        return _parse(data)
    except (struct.error, ValueError):
        return None


def _parse(data: bytes) -> Elf:
    table, entry_size, count = (
        *struct.unpack_from("<Q", data, 0x20),
        *struct.unpack_from("<HH", data, 0x36),
    )
    loads: list[tuple[int, int, int]] = []
    dynamic = interpreter = b""
    for index in range(count):
        kind, _flags, offset, address, _physical, size = struct.unpack_from(
            "<IIQQQQ", data, table + index * entry_size
        )
        if kind == _PT_LOAD:
            loads.append((address, offset, size))
        elif kind == _PT_DYNAMIC:
            dynamic = data[offset : offset + size]
        elif kind == _PT_INTERP:
            interpreter = data[offset : offset + size]
    entries = list(struct.iter_unpack("<qQ", dynamic[: len(dynamic) // 16 * 16]))
    names = [value for tag, value in entries if tag == _DT_NEEDED]
    strings = next((_file_offset(v, loads) for tag, v in entries if tag == _DT_STRTAB), 0)
    return Elf(
        needed=tuple(_text(data, strings + name) for name in names),
        interpreter=interpreter.rstrip(b"\0").decode(),
    )


def _file_offset(address: int, loads: list[tuple[int, int, int]]) -> int:
    for start, offset, size in loads:
        if start <= address < start + size:
            return address - start + offset
    raise ValueError("address outside every segment")


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
