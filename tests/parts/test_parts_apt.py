"""apt with folders of its own, on a small package source made for the test."""

import shutil
import subprocess
from pathlib import Path

import pytest

from backend.core.errors import PartMissingError
from backend.parts.apt import PrivateApt, apt_error, unpack
from backend.parts.catalog import Part
from backend.parts.finder import unpack_part
from backend.parts.store import Store

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="not a Debian")

TOOL = Part("desk-tool", ("desk-tool",), ("usr/bin/desk-tool",), "a test", needed_mb=1)


def make_package(folder: Path, name: str, files: dict[str, bytes], depends: str = "") -> Path:
    """A real .deb."""
    root = folder / f"{name}-root"
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755)
    control = root / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@example.org>\n"
        f"{f'Depends: {depends}' if depends else 'Section: misc'}\nDescription: test\n"
    )
    deb = folder / f"{name}_1.0_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(root), str(deb)], check=True, capture_output=True)
    return deb


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package source with `desk-tool` and the library it depends on; apt knows no other."""
    folder = tmp_path / "source"
    folder.mkdir()
    entries = []
    for name, files, depends in (
        ("desk-tool", {"usr/bin/desk-tool": Path("/bin/echo").read_bytes()}, "desk-library"),
        ("desk-library", {"lib/x86_64-linux-gnu/libdesk.so.1": b"not really"}, ""),
    ):
        deb = make_package(folder, name, files, depends)
        control = subprocess.check_output(["dpkg-deb", "-f", str(deb)], text=True)
        sum_line = subprocess.check_output(["sha256sum", str(deb)], text=True).split()[0]
        entries.append(
            f"{control}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {sum_line}\n"
        )
    (folder / "Packages").write_text("\n".join(entries))
    use_sources(tmp_path, monkeypatch, f"deb [trusted=yes] file:{folder} ./\n", "sources.list")
    return folder


def use_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, file_name: str) -> None:
    """Have apt believe that these are the machine's sources."""
    sources = tmp_path / file_name
    sources.write_text(text)
    conf = tmp_path / "apt.conf"
    conf.write_text(f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(conf))


def nothing_installed(tmp_path: Path) -> Path:
    status = tmp_path / "status"
    status.touch()
    return status


def test_a_part_is_unpacked_with_what_it_depends_on(tmp_path: Path, source: Path) -> None:
    said: list[str] = []
    store = Store(tmp_path / "a data folder")
    program = unpack_part(TOOL, store, said.append, nothing_installed(tmp_path))
    works = subprocess.check_output([*program.command, "works"], env=program.environment())
    assert works == b"works\n"
    assert (program.root / "usr/lib/x86_64-linux-gnu/libdesk.so.1").is_file()
    assert not (program.root / "lib").exists()
    assert len(said) == 1

    shutil.rmtree(source)  # the second time nothing is asked for
    assert unpack_part(TOOL, store, said.append) == program
    assert len(said) == 1


def test_a_source_without_the_package_says_so(tmp_path: Path, source: Path) -> None:
    nowhere = Part("desk-nothing", ("desk-nothing",), ("usr/bin/x",), "a test", needed_mb=1)
    with pytest.raises(PartMissingError, match="does not have the package") as error:
        unpack_part(nowhere, Store(tmp_path / "data"), print, nothing_installed(tmp_path))
    assert "apt-get install desk-nothing" in error.value.fix


def test_a_source_that_cannot_be_reached_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "deb [trusted=yes] http://127.0.0.1:1/debian stable main\n"
    use_sources(tmp_path, monkeypatch, text, "sources.list")
    with pytest.raises(PartMissingError, match="cannot be reached") as error:
        unpack_part(TOOL, Store(tmp_path / "data"), print, nothing_installed(tmp_path))
    assert "network" in error.value.fix


@pytest.mark.parametrize(
    ("file_name", "text"),
    [
        ("sources.list", "deb http://mirror.example/debian trixie main\n"),
        (
            "debian.sources",
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n"
            "Components: main\n\n"
            "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: trixie-security\n"
            "Components: main\n",
        ),
        (
            "sources.list",
            "deb http://other.example/apt trixie main\n"
            "deb [arch=amd64] http://mirror.example/debian trixie main contrib\n",
        ),
    ],
)
def test_another_suite_comes_from_the_site_the_machine_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_name: str, text: str
) -> None:
    use_sources(tmp_path, monkeypatch, text, file_name)
    PrivateApt(tmp_path / "apt", suite="sid")
    written = (tmp_path / "apt/suite.sources").read_text()
    assert "URIs: http://mirror.example/debian\n" in written
    assert "Suites: sid\n" in written


def test_a_machine_without_a_debian_source_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_sources(tmp_path, monkeypatch, "deb http://mirror.example/ubuntu noble main\n", "s.list")
    with pytest.raises(PartMissingError, match="no Debian source"):
        PrivateApt(tmp_path / "apt", suite="sid")


def test_a_system_without_apt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PartMissingError, match="no apt-get") as error:
        unpack_part(TOOL, Store(tmp_path / "data"), print)
    assert error.value.fix


def test_a_damaged_package_is_thrown_away_so_that_the_next_try_fetches_it(tmp_path: Path) -> None:
    deb = make_package(tmp_path, "desk-tool", {"usr/bin/desk-tool": b"x" * 5000})
    deb.write_bytes(deb.read_bytes()[:-200])
    with pytest.raises(PartMissingError):
        unpack([deb], tmp_path / "tree")
    assert not deb.exists()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("E: You don't have enough free space in /x/archives/.", "disk is full"),
        ("dpkg-deb: error: write: No space left on device", "disk is full"),
        ("E: The repository 'x sid Release' does not have a Release file.", "does not carry"),
        ("E: Failed to fetch x  Temporary failure resolving 'x'", "cannot be reached"),
        ("W: GPG error: x: NO_PUBKEY ABC\nE: The repository 'x' is not signed.", "signature"),
        ("E: Unable to locate package asterisk", "does not have the package"),
        ("E: Something nobody has seen yet", "Something nobody has seen yet"),
        ("", "Packages could not be fetched"),
    ],
)
def test_what_apt_says_becomes_a_sentence(tmp_path: Path, output: str, expected: str) -> None:
    assert expected in apt_error(output, tmp_path).message
