"""The system programs Frontdesk uses, and the Debian packages they come in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A program of the machine's own Debian release."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    """Where the program is, relative to `/` or to the unpacked tree; the first that exists, with
    the highest version where there are several."""
    purpose: str
    needed_mb: int
    """Disk it takes unpacked, on a machine that has nothing of it yet."""
    installable: bool = True
    """False: never installed into the system, even by root; always unpacked."""
    environment: tuple[tuple[str, str], ...] = ()
    """What an unpacked one needs in its environment; `{libraries}` is its library folder."""


PARTS = {
    part.name: part
    for part in (
        Part("flite", ("flite",), ("usr/bin/flite",), "the embedded voice, test callers", 150),
        Part(
            "espeak-ng",
            ("espeak-ng",),
            ("usr/bin/espeak-ng",),
            "the fallback voice",
            150,
            environment=(("ESPEAK_DATA_PATH", "{libraries}"),),
        ),
        Part(
            "chromium",
            ("chromium",),
            # The first is a shell script that wants the others in their places.
            ("usr/bin/chromium", "usr/lib/chromium/chromium"),
            "tests of the pages",
            1200,
        ),
        Part(
            "postgresql",
            ("postgresql",),
            ("usr/lib/postgresql/*/bin/postgres",),
            "tests of the database",
            600,
            # Installing it would create a database cluster and start a server on the machine.
            installable=False,
        ),
    )
}
