import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core.errors import StoreError
from backend.db.outbox import MOST_OUTBOXES, Outbox, claim, identify


def everything(outbox: Outbox) -> list[str]:
    lines: list[str] = []
    offset = 0
    while True:
        more, offset = outbox.read(offset, 2)
        if not more:
            return lines
        lines += more


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    [outbox] = claim(tmp_path)
    yield outbox
    outbox.close()


def test_lines_come_back_in_the_order_they_went_in(outbox: Outbox) -> None:
    outbox.append(["one", "two"], durable=False)
    outbox.append(["three"], durable=True)
    assert everything(outbox) == ["one", "two", "three"]


def test_an_outbox_is_emptied_when_everything_in_it_was_read(outbox: Outbox) -> None:
    outbox.append(["one"], durable=False)
    _, offset = outbox.read(0, 10)
    outbox.append(["two"], durable=False)
    assert outbox.clear(offset) is False
    lines, offset = outbox.read(offset, 10)
    assert lines == ["two"]
    assert outbox.clear(offset) is True
    assert outbox.is_empty
    assert outbox.path.read_bytes() == b""


def test_a_line_cut_off_by_a_crash_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "outbox.jsonl").write_text('{"whole": 1}\n{"cut o')
    outbox = claim(tmp_path)[0]
    outbox.append(["next"], durable=False)
    assert everything(outbox) == ['{"whole": 1}', '{"cut o', "next"]


def test_bytes_that_are_not_text_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "outbox.jsonl").write_bytes(b"\xff\xfe\n")
    assert len(everything(claim(tmp_path)[0])) == 1


def test_only_its_owner_may_read_an_outbox(outbox: Outbox) -> None:
    assert stat.S_IMODE(outbox.path.stat().st_mode) == 0o600


def test_somebody_emptying_the_file_does_not_hang_the_reader(outbox: Outbox) -> None:
    outbox.append(["one"], durable=False)
    os.truncate(outbox.path, 0)
    lines, offset = outbox.read(0, 10)
    assert lines == []
    assert outbox.clear(offset) is True


@given(
    batches=st.lists(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\r\n")))),
    at_once=st.integers(1, 5),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_appended_is_read(
    outbox: Outbox, batches: list[list[str]], at_once: int
) -> None:
    outbox.clear(1 << 40)
    for batch in batches:
        outbox.append(batch, durable=False)
    read: list[str] = []
    offset = 0
    while not outbox.clear(offset):
        lines, offset = outbox.read(offset, at_once)
        read += lines
    assert read == [line.strip() for batch in batches for line in batch]


def test_two_threads_may_append_at_once(outbox: Outbox) -> None:
    def write(name: str) -> None:
        for number in range(200):
            outbox.append([f"{name}{number}"], durable=False)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = everything(outbox)
    for name in "ab":
        mine = [f"{name}{number}" for number in range(200)]
        assert [line for line in lines if line.startswith(name)] == mine


# --- whose outbox it is ---------------------------------------------------------------------------


def test_a_second_owner_gets_a_second_outbox(tmp_path: Path) -> None:
    first, second = claim(tmp_path), claim(tmp_path)
    assert [box.path.name for box in first + second] == ["outbox.jsonl", "outbox-2.jsonl"]


def test_the_outboxes_of_the_dead_are_taken_over(tmp_path: Path) -> None:
    bot, chat = claim(tmp_path)[0], claim(tmp_path)[0]
    chat.append(["left behind"], durable=True)
    bot.close()
    chat.close()
    mine, inherited = claim(tmp_path)
    assert mine.is_empty
    assert everything(inherited) == ["left behind"]


def test_the_outboxes_of_the_living_are_not(tmp_path: Path) -> None:
    bot, chat = claim(tmp_path)[0], claim(tmp_path)[0]
    bot.close()
    assert [box.number for box in claim(tmp_path)] == [1]
    chat.close()


def test_an_emptied_second_outbox_is_tidied_away(tmp_path: Path) -> None:
    bot, chat = claim(tmp_path)[0], claim(tmp_path)[0]
    chat.close()
    bot.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outbox.jsonl"]


def test_a_bot_keeps_its_installation_and_changes_its_run(tmp_path: Path) -> None:
    before, after = identify(tmp_path, 1), identify(tmp_path, 1)
    assert before.any_run == after.any_run
    assert before.bot != after.bot
    assert before.bot.startswith(before.any_run)


def test_too_many_bots_in_one_folder_are_told_so(tmp_path: Path) -> None:
    boxes = [claim(tmp_path)[0] for _ in range(MOST_OUTBOXES)]
    with pytest.raises(StoreError, match="are taken"):
        claim(tmp_path)
    for box in boxes:
        box.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        claim(tmp_path / "file")
    assert "FRONTDESK_DATA_DIR" in caught.value.fix


# --- a full disk ----------------------------------------------------------------------------------

FULL_DISK = """
import resource, sys
from pathlib import Path
from backend.core.errors import StoreError
from backend.db.outbox import claim

outbox = claim(Path(sys.argv[1]))[0]
outbox.append(["before"], durable=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    outbox.append(["x" * 60, "y" * 60], durable=True)
except StoreError as error:
    print(error)
outbox.append(["small"], durable=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
outbox.append(["after"], durable=True)
"""


def test_a_full_disk_takes_all_lines_or_none(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "cannot be written" in done.stdout
    assert (tmp_path / "outbox.jsonl").read_text() == "before\nsmall\nafter\n"
