"""Spoken sentences on disk."""

import gc
import os
import stat
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.pcm import Pcm
from backend.core.errors import AudioError
from backend.tts.cache import SpeechCache, SpokenKey

SECOND: Pcm = np.arange(8000, dtype=np.int16)
FILE_BYTES = 44 + 2 * len(SECOND)


def key(text: str, engine: str = "flite:slt", rate_hz: int = 8000) -> SpokenKey:
    return SpokenKey(engine, text, rate_hz)


def cache_for(folder: Path, sentences: int = 100) -> SpeechCache:
    """With room for so many sentences of one second."""
    cache = SpeechCache(folder, sentences * FILE_BYTES)
    cache.open()
    return cache


def test_what_was_stored_is_found_with_its_audio(tmp_path: Path) -> None:
    cache = cache_for(tmp_path)
    cache.store(key("Hello."), SECOND)
    found = cache.find(key("Hello."))
    assert found is not None
    assert found.length_s == 1.0
    assert np.array_equal(found.read(), SECOND)


def test_the_file_is_a_wav_asterisk_can_play(tmp_path: Path) -> None:
    path = cache_for(tmp_path).store(key("Hello."), SECOND).path
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert file.getnframes() == len(SECOND)
    assert path.stat().st_mode & stat.S_IROTH
    assert set(path.name) <= set("0123456789abcdef-.wv")


@pytest.mark.parametrize(
    "other", [key("Hello!"), key("Hello.", "flite:rms"), key("Hello.", rate_hz=16000)]
)
def test_engine_text_and_rate_make_the_difference(tmp_path: Path, other: SpokenKey) -> None:
    cache = cache_for(tmp_path)
    cache.store(key("Hello."), SECOND)
    assert cache.find(other) is None


def test_any_voice_will_do_when_asked_so(tmp_path: Path) -> None:
    cache = cache_for(tmp_path)
    cache.store(key("Hello.", "piper:gone"), SECOND)
    assert cache.find_any("Hello.", 8000) is not None
    assert cache.find_any("Hello.", 16000) is None
    assert cache.find_any("Goodbye.", 8000) is None


def test_it_survives_a_restart(tmp_path: Path) -> None:
    cache_for(tmp_path).store(key("Hello."), SECOND)
    again = cache_for(tmp_path)
    assert again.find(key("Hello.")) is not None
    assert again.total_bytes == FILE_BYTES


def test_two_processes_see_each_others_files(tmp_path: Path) -> None:
    ours, theirs = cache_for(tmp_path), cache_for(tmp_path)
    theirs.store(key("Hello."), SECOND)
    assert ours.find(key("Hello.")) is not None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = cache_for(tmp_path, sentences=3)
    for text in "abc":
        cache.store(key(text), SECOND)
    cache.find(key("a"))
    gc.collect()
    cache.store(key("d"), SECOND)
    assert [text for text in "abcd" if cache.find(key(text))] == ["a", "c", "d"]
    assert cache.total_bytes == 3 * FILE_BYTES == disk_bytes(tmp_path)


def test_the_order_of_use_survives_a_restart(tmp_path: Path) -> None:
    cache = cache_for(tmp_path)
    paths = [cache.store(key(text), SECOND).path for text in "abc"]
    for age, path in enumerate(reversed(paths)):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert cache.find(key("a")) is not None  # used again: now the youngest
    smaller = cache_for(tmp_path, sentences=2)
    assert [text for text in "abc" if smaller.find(key(text))] == ["a", "c"]


def test_a_file_in_use_is_not_evicted(tmp_path: Path) -> None:
    cache = cache_for(tmp_path, sentences=2)
    in_use = cache.store(key("a"), SECOND)
    for text in "bcd":
        cache.store(key(text), SECOND)
    assert in_use.path.exists()
    assert np.array_equal(in_use.read(), SECOND)
    path = in_use.path
    del in_use
    cache.store(key("e"), SECOND)
    assert not path.exists()


def test_eviction_resumes_once_files_are_released(tmp_path: Path) -> None:
    cache = cache_for(tmp_path, sentences=1)
    held = [cache.store(key(text), SECOND) for text in "abc"]
    assert cache.total_bytes == 3 * FILE_BYTES
    held.clear()
    cache.store(key("d"), SECOND)
    assert cache.total_bytes == disk_bytes(tmp_path) == FILE_BYTES


@pytest.mark.parametrize("keep", [0, 10, 44, 1000, FILE_BYTES - 1])
def test_a_truncated_file_is_noticed_and_can_be_made_again(tmp_path: Path, keep: int) -> None:
    path = cache_for(tmp_path).store(key("Hello."), SECOND).path
    path.write_bytes(path.read_bytes()[:keep])
    cache = cache_for(tmp_path)
    assert cache.find(key("Hello.")) is None
    assert cache.total_bytes == 0
    assert np.array_equal(cache.store(key("Hello."), SECOND).read(), SECOND)


def test_a_file_of_the_wrong_rate_is_noticed(tmp_path: Path) -> None:
    cache = cache_for(tmp_path)
    wide = cache.store(key("Hello.", rate_hz=16000), SECOND).path
    wide.rename(wide.with_name(key("Hello.").file_name))
    assert cache_for(tmp_path).find(key("Hello.")) is None


@given(st.binary(max_size=200))
def test_whatever_lies_under_the_name_is_survived(garbage: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        cache = cache_for(Path(folder))
        path = cache.store(key("Hello."), SECOND).path
        path.write_bytes(garbage)
        assert cache.find(key("Hello.")) is None


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "music.wav").write_bytes(b"x" * 10 * FILE_BYTES)
    cache = cache_for(tmp_path, sentences=1)
    cache.store(key("a"), SECOND)
    cache.store(key("b"), SECOND)
    assert (tmp_path / "notes.txt").exists()
    assert (tmp_path / "music.wav").exists()


def test_a_half_written_file_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    old, new, silence = (tmp_path / name for name in ("a.part", "b.part", "temporary-c.wav"))
    for path in (old, new, silence):
        path.write_bytes(b"half")
    for path in (old, silence):
        os.utime(path, (0, 0))
    cache_for(tmp_path)
    assert list(tmp_path.iterdir()) == [new], "somebody may be writing it now"


def test_a_folder_that_cannot_be_made_is_an_error_one_can_act_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="cannot be kept"):
        cache_for(tmp_path / "file" / "speech")


def test_a_full_disk_is_an_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    """A file size limit makes the kernel refuse the write, as a full disk would."""
    program = (
        "import resource, signal, sys, pathlib, numpy\n"
        "from backend.core.errors import AudioError\n"
        "from backend.tts.cache import SpeechCache, SpokenKey\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "cache = SpeechCache(pathlib.Path(sys.argv[1]), 10**6)\n"
        "cache.open()\n"
        "try:\n"
        "    cache.store(SpokenKey('e', 't', 8000), numpy.zeros(8000, numpy.int16))\n"
        "except AudioError as error:\n"
        "    print(error)\n"
        "print(cache.total_bytes)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=True,
    )
    message, total = result.stdout.strip().splitlines()
    assert "cannot be written" in message
    assert total == "0"
    assert list(tmp_path.iterdir()) == []


def test_many_threads_store_and_find_at_once(tmp_path: Path) -> None:
    cache = cache_for(tmp_path, sentences=4)
    wrong: list[str] = []

    def work(start: int) -> None:
        for step in range(40):
            text = "abcdefgh"[(start + step) % 8]
            value = np.full(8000, ord(text), dtype=np.int16)
            found = cache.find(key(text)) or cache.store(key(text), value)
            if not np.array_equal(found.read(), value):
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    cache.store(key("last"), SECOND)
    assert cache.total_bytes == disk_bytes(tmp_path) <= 4 * FILE_BYTES


def test_a_temporary_file_lies_beside_the_others_and_goes_with_its_holder(tmp_path: Path) -> None:
    spoken = cache_for(tmp_path).temporary(SECOND, 8000)
    path = spoken.path
    assert path.parent == tmp_path
    assert np.array_equal(spoken.read(), SECOND)
    del spoken
    assert not path.exists()


def disk_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
