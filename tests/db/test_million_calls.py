"""The scripts that measure pages on a million calls, with a thousand."""

import subprocess
import sys
from pathlib import Path

from backend.config import ROOT


def ran(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_made_can_be_measured(tmp_path: Path) -> None:
    made = ran("scripts/million_calls.py", "make", str(tmp_path), "--calls", "1000")
    assert "1000 calls, 5000 turns" in made
    measured = ran("scripts/million_calls_bench.py", str(tmp_path), "--requests", "2")
    assert [line.split()[0] for line in measured.splitlines()[2:]] == [
        "list_page",
        "search_page",
        "call_page",
        "analytics_page",
        "tickets_page",
    ]
