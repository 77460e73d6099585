"""A program with libraries of its own, unpacked from Debian packages of another release.

Only what is really loaded is fetched: the libraries that the chosen files name (`DT_NEEDED`),
theirs in turn, and nothing else of a package's dependencies (27 packages instead of 160 for
Asterisk).
"""

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from backend.core.errors import PartMissingError
from backend.parts.elf import read_elf

# Where Debian's package name does not follow from the library's file name (Policy, 8.1).
_UNUSUAL = {"libz.so.1": "zlib1g", "libxslt.so.1": "libxslt1.1"}


def library_folder(tree: Path) -> Path:
    """The folder of the tree's libraries, e.g. `usr/lib/x86_64-linux-gnu`."""
    found = sorted((tree / "usr" / "lib").glob("*/libc.so.6"))
    if not found:
        raise PartMissingError(f"The unpacked program under {tree} has no C library.")
    return found[0].parent


def loader(tree: Path, program: Path) -> Path:
    """The tree's own dynamic loader, the one `program` asks for by name."""
    elf = read_elf(program)
    name = Path(elf.interpreter).name if elf else ""
    found = [path for path in (tree / "usr").glob(f"lib*/**/{name}") if path.is_file()]
    if not name or not found:
        raise PartMissingError(f"{program} cannot be started: its loader was not unpacked.")
    return found[0]


def missing_libraries(tree: Path, files: Iterable[Path]) -> set[str]:
    """Names of the libraries that `files`, and what they load in turn, want and `tree` has not."""
    folder = library_folder(tree)
    missing: set[str] = set()
    seen: set[str] = set()
    queue = list(files)
    while queue:
        elf = read_elf(queue.pop())
        for name in elf.needed if elf else ():
            if name in seen:
                continue
            seen.add(name)
            path = folder / name
            if path.is_file():
                queue.append(path)
            else:
                missing.add(name)
    return missing


def add_libraries(
    tree: Path,
    files: Iterable[Path],
    candidates: Iterable[str],
    fetch: Callable[[Iterable[str]], None],
) -> None:
    """Fetch packages into `tree` until nothing that `files` load is missing.

    `candidates` are the packages allowed; `fetch` downloads and unpacks some of them. Raises
    PartMissingError when a library is in none of them.
    """
    files, left = list(files), set(candidates)
    while missing := missing_libraries(tree, files):
        # A package often holds several libraries and is named after one: take the sure names
        # first and look again.
        chosen = {name for library in missing if (name := package_named_after(library, left))}
        if not chosen:
            chosen = {name for library in missing if (name := _closest(library, left))}
        if not chosen:
            names = ", ".join(sorted(missing))
            raise PartMissingError(f"No package was found that has {names}.")
        left -= chosen
        fetch(sorted(chosen))


def package_named_after(library: str, packages: Iterable[str]) -> str | None:
    """The package whose name follows from a library's file name: `libsrtp2.so.1`, `libsrtp2-1`."""
    stem, _, version = library.partition(".so")
    stem = stem.replace("_", "-").lower()
    version = version.lstrip(".")
    expected = f"{stem}-{version}" if version and stem[-1:].isdigit() else stem + version
    names = {expected, expected + "t64", _UNUSUAL.get(library, "")}
    return next((name for name in packages if name in names), None)


def _closest(library: str, packages: Iterable[str]) -> str | None:
    stem = re.sub(r"\.so.*", "", library)
    close = difflib.get_close_matches(stem, list(packages), n=1, cutoff=0.7)
    return close[0] if close else None
