"""A terminal that nobody reads must not stop calls."""

import os
import time

from backend.core.patient_stream import MOST_WAITING, PatientStream


def _read(fd: int, length: int) -> bytes:
    text = b""
    while len(text) < length:
        text += os.read(fd, length - len(text))
    return text


def test_what_is_written_arrives_in_order() -> None:
    reader, writer = os.pipe()
    stream = PatientStream(writer)
    for number in range(100):
        print(number, file=stream)
    expected = "".join(f"{number}\n" for number in range(100)).encode()
    assert _read(reader, len(expected)) == expected


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_loses_the_newest() -> None:
    reader, writer = os.pipe()
    stream = PatientStream(writer)
    began_s = time.monotonic()
    taken = [stream.write(f"{number:09d}\n" * 100) for number in range(5 * MOST_WAITING)]
    assert time.monotonic() - began_s < 5
    assert taken[0]
    assert not taken[-1]
    assert _read(reader, 10) == b"000000000\n"


def test_a_terminal_that_is_gone_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = PatientStream(writer)
    assert stream.write("anybody?")
    stream.close()
