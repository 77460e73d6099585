"""Starting, watching and stopping a real Asterisk, and what is left when we are killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from backend.config import ROOT, Settings
from backend.core.errors import PbxError
from backend.pbx import orphan
from backend.pbx.server import PbxServer
from tests.support.loop import run
from tests.support.pbx import asterisk, pbx_settings, running_pbx

pytestmark = pytest.mark.pbx


def runs(pid: int) -> bool:
    """Whether the process is there; one that waits to be reaped has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (_, server):
            assert await server.answers()
            pid = server.pid
            assert pid
        assert not await server.answers(timeout_s=0.2)
        assert not runs(pid)

    run(scenario())


def test_it_starts_without_complaints(tmp_path: Path) -> None:
    async def scenario() -> None:
        trunk = {"twilio_domain": "localhost", "twilio_numbers": "+15551234567"}
        async with running_pbx(tmp_path, **trunk) as (settings, _):
            written = (settings.data_dir / "pbx/log/messages.log").read_text()
            assert "ERROR" not in written
            assert "WARNING" not in written

    run(scenario())


def test_ari_answers_on_loopback_to_its_password_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, server), httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{settings.ari_port}/ari/asterisk/info"
            right = await client.get(url, auth=("frontdesk", server.secrets.ari))
            wrong = await client.get(url, auth=("frontdesk", "guess"))
            assert (right.status_code, wrong.status_code) == (200, 401)

    run(scenario())


def test_two_run_side_by_side(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path / "one") as (_, one),
            running_pbx(tmp_path / "two") as (_, two),
        ):
            assert await one.answers()
            assert await two.answers()

    run(scenario())


def test_its_exit_is_noticed_and_it_can_be_started_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (_, server):
            watching = asyncio.create_task(server.wait())
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            assert await watching == -signal.SIGKILL
            await server.start()
            assert await server.answers()

    run(scenario())


def test_a_second_owner_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, first):
            with pytest.raises(PbxError, match=f"process {os.getpid()}"):
                await PbxServer(settings, asterisk()).start()
            assert await first.answers()

    run(scenario())


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("sip_port", socket.SOCK_DGRAM),
        ("ari_port", socket.SOCK_STREAM),
        ("ami_port", socket.SOCK_STREAM),
    ],
)
def test_a_port_in_use_is_named_with_its_setting(
    tmp_path: Path, setting: str, kind: socket.SocketKind
) -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, kind) as other:
            other.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                other.listen()
            port = other.getsockname()[1]
            server = PbxServer(pbx_settings(tmp_path, **{setting: port}), asterisk())
            with pytest.raises(PbxError) as error:
                await server.start()
        assert str(port) in error.value.message
        assert f"FRONTDESK_{setting.upper()}" in error.value.fix
        assert server.pid is None

    run(scenario())


def test_a_start_that_fails_says_what_asterisk_said(tmp_path: Path, own_templates: Path) -> None:
    with (own_templates / "modules.conf").open("a") as modules:
        modules.write("require = res_unheard_of.so\n")

    async def scenario() -> None:
        server = PbxServer(pbx_settings(tmp_path), asterisk())
        with pytest.raises(PbxError, match="res_unheard_of"):
            await server.start()
        assert server.pid is None

    run(scenario())


def test_a_cancelled_start_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = pbx_settings(tmp_path)
        server = PbxServer(settings, asterisk())
        starting = asyncio.create_task(server.start())
        while server.pid is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        pid = server.pid
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert starting.cancelled()
        assert not runs(pid)

    run(scenario())


def test_stopping_twice_or_before_the_start_is_fine(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = PbxServer(pbx_settings(tmp_path), asterisk())
        await server.stop()
        with pytest.raises(PbxError, match="not running"):
            await server.wait()

    run(scenario())


OWNER = """
    import asyncio
    from tests.support.pbx import asterisk
    from backend.config import Settings
    from backend.pbx.server import PbxServer

    async def own():
        settings = Settings.model_validate_json({settings!r})
        server = PbxServer(settings, asterisk())
        await server.start()
        print("PID", server.pid, flush=True)
        await server.wait()

    asyncio.run(own())
"""


def killed_owner(settings: Settings, path: str) -> int:
    """Start a PBX in another process, kill -9 that process; returns Asterisk's process id."""
    program = textwrap.dedent(OWNER).format(settings=settings.model_dump_json())
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        pid = next(int(line.split()[1]) for line in owner.stdout if line.startswith("PID"))
        owner.kill()
    return pid


def test_it_does_not_outlive_an_owner_killed_by_force(tmp_path: Path) -> None:
    async def scenario() -> None:
        pid = await asyncio.to_thread(killed_owner, pbx_settings(tmp_path), os.environ["PATH"])
        gone = asyncio.Event()
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        asyncio.get_running_loop().add_reader(handle, gone.set)
        try:
            async with asyncio.timeout(5):
                await gone.wait()
        finally:
            asyncio.get_running_loop().remove_reader(handle)
            os.close(handle)

    run(scenario())


def test_what_outlived_its_owner_all_the_same_is_replaced_at_the_next_start(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        settings = pbx_settings(tmp_path)
        # Without setpriv on the path nothing ends Asterisk together with its owner.
        pid = await asyncio.to_thread(killed_owner, settings, "/nowhere")
        assert runs(pid)
        server = PbxServer(settings, asterisk())
        await server.start()
        assert server.pid != pid
        assert await server.answers()
        await server.stop()
        assert not runs(pid)

    run(scenario())


def test_a_process_that_only_mentions_the_configuration_is_left_alone(tmp_path: Path) -> None:
    conf = tmp_path / "asterisk.conf"
    conf.touch()
    with subprocess.Popen(["tail", "-f", str(conf)]) as reader:
        run(orphan.stop(conf))
        assert reader.poll() is None
        reader.kill()
