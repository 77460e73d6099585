"""Unpacked parts are complete or not there, however a run ended."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from backend.config import ROOT
from backend.core.errors import PartMissingError
from backend.parts.program import Program
from backend.parts.store import Store


def build(tree: Path) -> Program:
    program = tree / "usr/bin/tool"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    return Program("tool", "1.0", (str(program),), tree, {"TOOL_DATA": f"{tree}/data"})


def test_what_was_kept_is_found_and_runs(tmp_path: Path) -> None:
    kept = Store(tmp_path).keep("tool", "recipe", build)
    assert Store(tmp_path).load("tool", "recipe") == kept
    assert kept.env == {"TOOL_DATA": str(tmp_path / "parts/tool/data")}
    assert subprocess.check_output(kept.command) == b"hello\n"


def test_another_recipe_is_another_part(tmp_path: Path) -> None:
    Store(tmp_path).keep("tool", "old", build)
    assert Store(tmp_path).load("tool", "new") is None


def test_a_moved_data_folder_still_works(tmp_path: Path) -> None:
    Store(tmp_path / "a").keep("tool", "r", build)
    (tmp_path / "a").rename(tmp_path / "b")
    moved = Store(tmp_path / "b").load("tool", "r")
    assert moved
    assert subprocess.check_output(moved.command) == b"hello\n"


@pytest.mark.parametrize("stamp", ["", "{", "[]", "{}", '{"command": 3}', "null"])
def test_a_damaged_stamp_means_that_the_part_is_not_there(tmp_path: Path, stamp: str) -> None:
    Store(tmp_path).keep("tool", "r", build)
    (tmp_path / "parts/tool/part.json").write_text(stamp)
    assert Store(tmp_path).load("tool", "r") is None
    assert Store(tmp_path).keep("tool", "r", build) == Store(tmp_path).load("tool", "r")


def test_a_build_that_fails_keeps_the_old_one(tmp_path: Path) -> None:
    def fail(tree: Path) -> Program:
        build(tree)
        raise PartMissingError("no")

    store = Store(tmp_path)
    kept = store.keep("tool", "r", build)
    with pytest.raises(PartMissingError):
        store.keep("tool", "r", fail)
    assert store.load("tool", "r") == kept
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["tool"]


def test_an_unwritable_place_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "parts").write_text("in the way")
    with pytest.raises(PartMissingError, match="FRONTDESK_DATA_DIR"):
        Store(tmp_path).keep("tool", "r", build)


def test_too_little_room_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    Store(tmp_path).need_mb(1)
    with pytest.raises(PartMissingError, match=r"MB are free.* Free some space"):
        Store(tmp_path).need_mb(10**9)


KILLED = """
    import os, signal
    from pathlib import Path
    from backend.parts.store import Store

    def build(tree):
        (tree / "half").write_text("unpacked")
        os.kill(os.getpid(), signal.SIGKILL)

    store = Store(Path({data_dir!r}))
    with store.lock("tool"):
        store.keep("tool", "r", build)
"""


def test_a_killed_unpack_leaves_nothing_that_could_be_used(tmp_path: Path) -> None:
    program = textwrap.dedent(KILLED).format(data_dir=str(tmp_path))
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    store = Store(tmp_path)
    assert (tmp_path / "parts/.new-tool/half").exists()
    assert store.load("tool", "r") is None
    with store.lock("tool"):  # freed with the process that held it
        store.keep("tool", "r", build)
    assert not (tmp_path / "parts/.new-tool").exists()
