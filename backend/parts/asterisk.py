"""Asterisk: the machine's own when it is new enough, else one unpacked from Debian sid.

No Debian release carries Asterisk; sid does. It is unpacked with its own C library and loader,
so it runs on any Debian, without root, and installs nothing.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from backend.config import ROOT
from backend.core.errors import PartMissingError
from backend.parts.apt import PrivateApt, unpack
from backend.parts.program import Program, Progress
from backend.parts.store import Store
from backend.parts.tree import add_libraries, library_folder, loader, missing_libraries

MINIMUM_VERSION = (22, 8)
"""chan_websocket's JSON control and its fixes for keep-alive are complete from here on."""

_MODULES_CONF = ROOT / "asterisk" / "modules.conf"
_SUITE = "sid"
_SEEDS = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "libc6")
_NEEDED_MB = 400
_OWN_FIX = "Install Asterisk 22.8 or later and set FRONTDESK_ASTERISK to its program."


def find_asterisk(data_dir: Path, named: str = "") -> Program | None:
    """An Asterisk that can be used right now; nothing is fetched.

    `named` is the setting `asterisk`: that program and no other. Raises PartMissingError when it
    cannot be run or is too old.
    """
    if named:
        return _named(named)
    on_path = shutil.which("asterisk")
    if on_path:
        program = _installed(Path(on_path))
        if program and version_of(program) >= MINIMUM_VERSION:
            return program
    return Store(data_dir).load("asterisk", recipe=_recipe())


def ensure_asterisk(data_dir: Path, progress: Progress, named: str = "") -> Program:
    """As `find_asterisk`, and unpacks one when there is none. Raises PartMissingError."""
    program = find_asterisk(data_dir, named)
    if program is not None:
        return program
    store = Store(data_dir)
    with store.lock("asterisk"):
        program = store.load("asterisk", recipe=_recipe())
        if program is not None:  # another process was faster
            return program
        store.need_mb(_NEEDED_MB)
        try:
            return store.keep("asterisk", _recipe(), lambda tree: _build(tree, store, progress))
        except PartMissingError as error:
            raise PartMissingError(
                f"Asterisk could not be fetched. {error.message}",
                fix=f"{error.fix} Or: {_OWN_FIX}".strip(),
            ) from error


def version_of(program: Program) -> tuple[int, ...]:
    """`22.10.1` as numbers; empty when it is not a release's version."""
    found = re.match(r"\d+(\.\d+)*", program.version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def module_files(tree: Path) -> list[Path]:
    """The program and the modules that our `modules.conf` loads, as files of an unpacked tree."""
    modules = library_folder(tree) / "asterisk" / "modules"
    return [tree / "usr/sbin/asterisk", *(modules / name for name in _wanted_modules())]


def _named(named: str) -> Program:
    path = shutil.which(named)
    program = _installed(Path(path)) if path else None
    if program is None:
        raise PartMissingError(
            f"{named!r} is not an Asterisk that can be run.", fix="Correct FRONTDESK_ASTERISK."
        )
    if version_of(program) < MINIMUM_VERSION:
        raise PartMissingError(
            f"{named} is Asterisk {program.version}; 22.8 or later is needed.", fix=_OWN_FIX
        )
    return program


def _installed(path: Path) -> Program | None:
    version = _ask_version((str(path),))
    if not version:
        return None
    prefix = path.resolve().parents[1]
    return Program(
        "asterisk", version, (str(path),), prefix.parent if prefix.name == "usr" else prefix
    )


def _ask_version(command: tuple[str, ...]) -> str:
    """What `-V` says, e.g. `22.10.1`; empty when the program does not run."""
    try:
        result = subprocess.run(
            [*command, "-V"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"^Asterisk (\S+)", result.stdout)
    # Debian appends its own packaging of bundled parts: 22.10.1~dfsg+~cs6.17.…
    return re.split(r"[~+]", found[1])[0] if found else ""


def _wanted_modules() -> list[str]:
    text = _MODULES_CONF.read_text(encoding="utf-8")
    return re.findall(r"^(?:require|load) *= *(\S+\.so)", text, flags=re.MULTILINE)


def _recipe() -> str:
    """Changes when a module is added: the tree then needs that module's libraries too."""
    return hashlib.sha256("\n".join([_SUITE, *_SEEDS, *_wanted_modules()]).encode()).hexdigest()[
        :16
    ]


def _build(tree: Path, store: Store, progress: Progress) -> Program:
    kept = store.downloads("asterisk")
    if not _from_kept(tree, kept / "archives"):
        shutil.rmtree(tree)
        _from_network(tree, kept, progress)
    program = tree / "usr/sbin/asterisk"
    command = (
        str(loader(tree, program)),
        "--library-path",
        str(library_folder(tree)),
        str(program),
    )
    version = _ask_version(command)
    found = Program("asterisk", version, command, tree)
    if version_of(found) < MINIMUM_VERSION:
        raise PartMissingError(
            f"The unpacked Asterisk says it is version {version or 'nothing'}; 22.8 is needed."
        )
    return found


def _from_kept(tree: Path, archives: Path) -> bool:
    """Whether the packages kept from an earlier time were all there and fit together."""
    packages = sorted(archives.glob("*.deb"))
    names = {path.name.partition("_")[0] for path in packages}
    if not names.issuperset(_SEEDS):
        return False
    unpack(packages, tree)
    return not missing_libraries(tree, module_files(tree))


def _from_network(tree: Path, kept: Path, progress: Progress) -> None:
    progress("Asterisk: reading Debian's package lists")
    apt = PrivateApt(kept, suite=_SUITE)
    apt.update()
    candidates = set(apt.closure(["asterisk"])) - set(_SEEDS)
    fetched: list[Path] = []

    def fetch(names: Iterable[str]) -> None:
        packages = apt.download(names)
        fetched.extend(packages)
        unpack(packages, tree)

    progress("Asterisk: downloading and unpacking (about 25 MB, once)")
    fetch(_SEEDS)
    add_libraries(tree, module_files(tree), candidates, fetch)
    for package in (kept / "archives").glob("*.deb"):
        if package not in fetched:  # an older version; mixed with the new ones it would not run
            package.unlink()
    apt.forget_lists()
