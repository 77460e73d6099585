"""From a library's file name to Debian's package."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.core.errors import PartMissingError
from backend.parts.asterisk import module_files
from backend.parts.tree import (
    add_libraries,
    library_folder,
    loader,
    missing_libraries,
    package_named_after,
)
from tests.support.pbx import asterisk


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libssl.so.3", "libssl3t64"),
        ("libsrtp2.so.1", "libsrtp2-1"),
        ("libgcc_s.so.1", "libgcc-s1"),
        ("libstdc++.so.6", "libstdc++6"),
        ("libnss3.so", "libnss3"),
        ("libxml2.so.16", "libxml2-16"),
        ("libopus.so.0", "libopus0"),
        ("libz.so.1", "zlib1g"),
        ("libxslt.so.1", "libxslt1.1"),
        ("libplc4.so", None),
    ],
)
def test_packages_are_named_after_their_libraries(library: str, package: str | None) -> None:
    packages = [
        *("libssl3t64", "libsrtp2-1", "libgcc-s1", "libstdc++6", "libnss3", "libxml2-16"),
        *("libopus0", "libopusfile0", "zlib1g", "libxslt1.1", "libnspr4"),
    ]
    assert package_named_after(library, packages) == package


def test_the_unpacked_asterisk_lacks_nothing_that_its_modules_load() -> None:
    tree = asterisk().root
    if not (tree / "part.json").is_file():
        pytest.skip("this machine has its own Asterisk")
    assert missing_libraries(tree, module_files(tree)) == set()
    assert loader(tree, tree / "usr/sbin/asterisk").is_file()
    assert (library_folder(tree) / "libc.so.6").is_file()


def test_a_library_that_no_package_has_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    (folder / "libc.so.6").touch()

    def fetch(names: Iterable[str]) -> None:
        raise AssertionError(f"nothing fits, yet {list(names)} was fetched")

    with pytest.raises(PartMissingError, match=r"libselinux|libcap"):
        add_libraries(tmp_path, [Path("/bin/ls").resolve()], ["zlib1g"], fetch)


def test_libraries_are_fetched_until_nothing_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    (folder / "libc.so.6").touch()
    program = Path("/bin/ls").resolve()
    wanted = missing_libraries(tmp_path, [program])
    fetched: list[str] = []

    def fetch(names: Iterable[str]) -> None:
        fetched.extend(names)
        for library in wanted:
            if package_named_after(library, names):
                (folder / library).touch()

    candidates = [f"{name.partition('.so')[0]}{name.rpartition('.')[2]}" for name in wanted]
    add_libraries(tmp_path, [program], [*candidates, "libunrelated9"], fetch)
    assert missing_libraries(tmp_path, [program]) == set()
    assert "libunrelated9" not in fetched
