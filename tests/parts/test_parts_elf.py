"""Reading what a program needs from its ELF file."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.parts.elf import read_elf

LISTED = Path("/bin/ls").resolve()


def test_a_program_names_its_loader_and_libraries() -> None:
    elf = read_elf(LISTED)
    assert elf
    assert "libc.so.6" in elf.needed
    assert Path(elf.interpreter).name.startswith("ld-linux")


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed")
def test_it_reads_what_readelf_reads() -> None:
    text = subprocess.run(
        ["readelf", "-d", str(LISTED)], capture_output=True, text=True, check=True
    ).stdout
    expected = [line.split("[")[1].rstrip("]") for line in text.splitlines() if "NEEDED" in line]
    elf = read_elf(LISTED)
    assert elf
    assert list(elf.needed) == expected


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x01\x01" + b"\0" * 99]
)
def test_what_is_no_64_bit_elf_is_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert read_elf(path) is None


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 1), flip=st.floats(0, 1), value=st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flip: float, value: int
) -> None:
    data = bytearray(LISTED.read_bytes())
    data[6 + int(flip * 1000)] = value
    path = tmp_path_factory.mktemp("elf") / "damaged"
    path.write_bytes(data[: int(len(data) * cut)])
    elf = read_elf(path)
    assert elf is None or isinstance(elf.needed, tuple)
