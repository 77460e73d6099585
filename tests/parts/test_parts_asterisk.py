"""Which Asterisk is used: the one named, the machine's if it is new enough, or one unpacked."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.core.errors import PartMissingError
from backend.parts import asterisk as asterisk_part
from backend.parts.asterisk import ensure_asterisk, find_asterisk, version_of
from backend.parts.program import Program
from tests.support.pbx import PARTS_HOME
from tests.support.pbx import asterisk as some_asterisk


def fake_asterisk(folder: Path, says: str) -> Path:
    """A program that claims a version, as `asterisk -V` prints it."""
    path = folder / "sbin/asterisk"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_asterisk_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("22.10.1", (22, 10, 1)), ("23.0.0-rc1", (23, 0, 0)), ("GIT-master-1a", ()), ("", ())],
)
def test_versions_compare_as_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert version_of(Program("asterisk", version, (), Path("/"))) == numbers


@pytest.mark.parametrize("says", ["Asterisk 22.8.0", "Asterisk 23.1.0+dfsg+~cs6.17-1"])
def test_the_machines_own_is_used_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    path = fake_asterisk(tmp_path, says)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    found = find_asterisk(tmp_path / "data")
    assert found
    assert found.command == (str(path),)


def test_an_old_one_on_the_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_asterisk(tmp_path, "Asterisk 20.11.1")
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    assert find_asterisk(tmp_path / "data") is None


@pytest.mark.parametrize("says", ["Asterisk 22.7.9", "Asterisk 9.0", "no version here"])
def test_the_one_named_in_the_settings_must_do(tmp_path: Path, says: str) -> None:
    path = fake_asterisk(tmp_path, says)
    with pytest.raises(PartMissingError, match="FRONTDESK_ASTERISK"):
        find_asterisk(tmp_path / "data", named=str(path))


def test_a_named_one_that_does_not_exist_is_an_error_and_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(PartMissingError, match="/no/such/asterisk"):
        ensure_asterisk(tmp_path, pytest.fail, named="/no/such/asterisk")


def kept_packages() -> Path:
    some_asterisk()
    packages = PARTS_HOME / "parts/packages/asterisk"
    if not packages.is_dir():
        pytest.skip("this machine has its own Asterisk")
    return packages


@pytest.mark.pbx
@pytest.mark.usefixtures("no_asterisk_on_path")
def test_it_is_unpacked_again_from_the_kept_packages_without_a_network(tmp_path: Path) -> None:
    packages = kept_packages()
    (tmp_path / "parts/packages").mkdir(parents=True)
    (tmp_path / "parts/packages/asterisk").symlink_to(packages)
    program = ensure_asterisk(tmp_path, pytest.fail)
    version = subprocess.check_output([*program.command, "-V"], text=True)
    assert version.startswith("Asterisk ")
    assert version_of(program) >= asterisk_part.MINIMUM_VERSION

    began = time.perf_counter()
    assert find_asterisk(tmp_path) == program
    assert time.perf_counter() - began < 0.5


@pytest.mark.pbx
@pytest.mark.usefixtures("no_asterisk_on_path")
def test_two_processes_at_once_unpack_it_once(tmp_path: Path) -> None:
    packages = kept_packages()
    (tmp_path / "parts/packages").mkdir(parents=True)
    (tmp_path / "parts/packages/asterisk").symlink_to(packages)
    program = (
        "import sys; from pathlib import Path; from backend.parts.asterisk import ensure_asterisk;"
        "ensure_asterisk(Path(sys.argv[1]), print); print('ready')"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate()[0] for one in both] == ["ready\n", "ready\n"]


@pytest.mark.usefixtures("no_asterisk_on_path")
def test_without_packages_and_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("not a Debian")
    sources = tmp_path / "sources.list"
    sources.write_text("deb http://127.0.0.1:1/debian bookworm main\n")
    conf = tmp_path / "apt.conf"
    conf.write_text(f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(conf))
    with pytest.raises(PartMissingError, match="Asterisk could not be fetched") as error:
        ensure_asterisk(tmp_path / "data", lambda _step: None)
    assert "FRONTDESK_ASTERISK" in error.value.fix
    assert find_asterisk(tmp_path / "data") is None
