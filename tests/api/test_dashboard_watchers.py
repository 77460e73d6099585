"""The connections `frontdesk bench dashboards` opens: they follow calls as browsers do."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from backend.cli.bench_dashboards import Round, Watched, summary
from backend.cli.bench_figures import Spread
from backend.config import ROOT
from backend.db.models import Role
from tests.support.browser import served
from tests.support.call_events import Script
from tests.support.office import open_office

COMMAND = (sys.executable, "-m", "backend.cli.dashboard_watchers")


def watchers(address: str, key: str, count: int) -> "subprocess.Popen[str]":
    host, port = urlsplit(address).hostname or "", str(urlsplit(address).port)
    process = subprocess.Popen(
        [*COMMAND, host, port, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(f"{key}\n")
    process.stdin.flush()
    return process


def test_each_of_them_gets_every_event_until_its_input_ends(tmp_path: Path, seeded: Path) -> None:
    with open_office(tmp_path, seeded) as office, served(office) as address:
        events = Script().started().asked("what do i owe").events
        office.happens(events)
        key = office.program(Role.VIEWER).headers["authorization"].removeprefix("Bearer ")
        with watchers(address, key, 3) as process:
            feed = office.app.state.feed
            while len(feed._watchers) < 3:
                assert process.poll() is None
            told, _ = process.communicate("", timeout=20)
    assert json.loads(told)["events"] == 3 * len(events)


def test_one_bad_minute_does_not_decide() -> None:
    good, bad = Spread(100, 0.2, 0.4, 0.5), Spread(100, 2.0, 4.0, 5.0)
    seen = Watched(1, 1.0)
    told = summary([Round(good, good, seen), Round(good, bad, seen), Round(good, good, seen)])
    assert told == "p50 200 -> 200 ms (+0.0 %)  p95 400 -> 400 ms (+0.0 %)  turns 300 and 300"
