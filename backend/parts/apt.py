"""Debian's packages without root: apt with folders of its own, the machine's state untouched."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from backend.core.errors import PartMissingError

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)
_QUIET = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
Completed = subprocess.CompletedProcess[str]

_COMMON = (
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "Acquire::http::Timeout=20",
    "Acquire::https::Timeout=20",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
    # By default a failed download of an index is a warning and exit status 0.
    "APT::Update::Error-Mode=any",
    "APT::Install-Recommends=false",
)

# What apt says, and what a person can do about it. First match wins.
_CAUSES = (
    (
        r"No space left|enough free space|Disk quota",
        "The disk is full.",
        "Free some space under {folder} and start again.",
    ),
    (
        r"NO_PUBKEY|is not signed|signatures were invalid|Missing key",
        "The package source's signature cannot be checked.",
        "Update the keys: apt-get install debian-archive-keyring",
    ),
    (
        r"does not have a Release file|404 +Not Found",
        "The machine's package source does not carry what is needed.",
        "Install it by other means, or add a Debian source to apt.",
    ),
    (
        r"Temporary failure|Could not resolve|[Cc]ould not connect|Unable to connect|timed out"
        r"|Connection (?:refused|reset)|Network is unreachable|Failed to fetch|403 +Forbidden",
        "The package source cannot be reached.",
        "Check the network (and apt's proxy settings), then start again.",
    ),
    (
        r"Unable to locate package|has no installation candidate|No packages found",
        "The package source does not have the package.",
        "Check apt's sources (component `main` of Debian).",
    ),
)


class PrivateApt:
    """`apt-get` on private folders under `folder`.

    With `suite`, packages come from that Debian suite on the site the machine's own sources use,
    and nothing counts as installed: a closure is complete in itself. Without, the machine's own
    sources and its own installed packages count, or those in the dpkg file `status`.
    """

    def __init__(self, folder: Path, suite: str = "", status: Path | None = None) -> None:
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise PartMissingError(
                "This system has no apt-get, so the part cannot be fetched.",
                fix="Install it with your system's own package manager.",
            )
        self._folder = folder
        self._options = [*_COMMON, f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}"]
        # Container images switch apt's caches off; without them every call takes seconds.
        self._options += [
            "Dir::Cache::pkgcache=pkgcache.bin",
            "Dir::Cache::srcpkgcache=srcpkgcache.bin",
        ]
        # A data folder closed to others cannot be entered by apt's own user `_apt`.
        self._options.append("APT::Sandbox::User=root")
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if suite:
            self._use_suite(suite)
            (folder / "status").touch()
            status = folder / "status"
        if status is not None:
            self._options.append(f"Dir::State::status={status}")

    def update(self) -> None:
        """Fetch the package lists. Raises PartMissingError."""
        result = self._run("update")
        if result.returncode and re.search(r"is expired|Valid-Until", result.stderr):
            # A mirror that stopped following. The signature is still checked; only how old the
            # lists may be is not.
            result = self._run("update", "-o", "Acquire::Check-Valid-Until=false")
        self._check(result)

    def closure(self, packages: Sequence[str]) -> list[str]:
        """The packages and everything they depend on that is not installed, as apt decides."""
        result = self._run("install", "--simulate", *packages)
        self._check(result)
        return re.findall(r"^Inst (\S+)", result.stdout, flags=re.MULTILINE)

    def download(self, packages: Iterable[str]) -> list[Path]:
        """The packages' files, kept in `folder/archives`."""
        archives = self._folder / "archives"
        names = sorted(set(packages))
        uris = self._run("download", "--print-uris", *names)
        self._check(uris)
        # Each line is: 'uri' file_name size hash
        files = [
            archives / name
            for name in re.findall(r"^'[^']+' (\S+) \d+", uris.stdout, flags=re.MULTILINE)
        ]
        if not all(file.is_file() for file in files):
            self._check(self._run("download", *names, cwd=archives))
        return files

    def forget_lists(self) -> None:
        """Give back the disk the package lists use; `update` fetches them again."""
        shutil.rmtree(self._folder / "lists", ignore_errors=True)
        for cache in self._folder.glob("*pkgcache.bin"):
            cache.unlink()

    def _use_suite(self, suite: str) -> None:
        sources = self._folder / "suite.sources"
        keyring = next((f"Signed-By: {path}\n" for path in _KEYRINGS if path.is_file()), "")
        site = self._debian_site()
        sources.write_text(
            f"Types: deb\nURIs: {site}\nSuites: {suite}\nComponents: main\n{keyring}",
            encoding="utf-8",
        )
        self._options += [
            f"Dir::Etc::sourcelist={sources}",
            "Dir::Etc::sourceparts=/dev/null",
        ]

    def _debian_site(self) -> str:
        """Where the machine's own sources get Debian from, whatever their format."""
        result = self._run("update", "--print-uris")
        found: list[tuple[str, str]] = re.findall(
            r"^'([^']+)/dists/([^/']+)/", result.stdout, flags=re.MULTILINE
        )
        release = _release()
        # Others publish for "bookworm" too; Debian's own archive is called debian everywhere.
        candidates = [site for site, suite in found if suite == release or site.endswith("/debian")]
        if not candidates:
            raise PartMissingError(
                "apt on this machine has no Debian source to take packages from.",
                fix="Install the part yourself, or add a Debian source to apt.",
            )
        return max(candidates, key=lambda site: site.endswith("/debian"))

    def _run(self, *arguments: str, cwd: Path | None = None) -> Completed:
        options = [word for option in self._options for word in ("-o", option)]
        return run_quietly(["apt-get", "-q", *options, *arguments], cwd)

    def _check(self, result: Completed) -> None:
        if result.returncode:
            raise apt_error(result.stderr, self._folder)


def _release() -> str:
    """The release's code name, e.g. `trixie`; empty where the system does not say."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def run_quietly(command: list[str], cwd: Path | None = None) -> Completed:
    """Run a command of the package system: no questions asked, messages in English, all kept."""
    return subprocess.run(
        command,
        env={**os.environ, **_QUIET},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def apt_error(output: str, folder: Path) -> PartMissingError:
    """What apt or dpkg wrote, as an error that says what to do."""
    said = next((line for line in output.splitlines() if line.startswith(("E:", "dpkg"))), "")
    for pattern, message, fix in _CAUSES:
        if re.search(pattern, output):
            return PartMissingError(f"{message} ({said})", fix=fix.format(folder=folder))
    return PartMissingError(f"Packages could not be fetched: {said or output.strip()[-300:]}")


def unpack(packages: Iterable[Path], tree: Path) -> None:
    """Unpack package files into `tree`, with `/lib` folded into `/usr/lib` as in merged Debian."""
    for package in packages:
        result = run_quietly(["dpkg-deb", "-x", str(package), str(tree)])
        if result.returncode:
            if not re.search(r"No space left|Disk quota", result.stderr):
                package.unlink(missing_ok=True)  # damaged: the next try downloads it again
            raise apt_error(result.stderr, tree)
    for name in ("bin", "lib", "lib64", "sbin"):
        old = tree / name
        if old.is_dir() and not old.is_symlink():
            shutil.copytree(old, tree / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
