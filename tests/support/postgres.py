"""A real PostgreSQL server for tests: started once per test run, in a folder of its own."""

import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from backend.config import ROOT
from backend.core.errors import PartMissingError
from backend.parts.finder import ensure
from backend.parts.program import Program

START_S = 30.0


class PostgresServer:
    """One server, reached through a socket in its folder. Nothing is kept; nothing is synced."""

    def __init__(self, program: Program) -> None:
        self._environment = program.environment()
        self._postgres = Path(program.command[0])
        # Not pytest's tmp_path: the server refuses to run as root, and must reach its folder.
        self._folder = Path(tempfile.mkdtemp(prefix="frontdesk-pg-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        data = str(self._folder / "data")
        initdb = [str(self._postgres.with_name("initdb")), "-D", data, "-U", "postgres"]
        self._run([*initdb, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = ("fsync=off", "shared_buffers=32MB", "listen_addresses=", "max_connections=60")
        command = [str(self._postgres), "-D", str(self._folder / "data"), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command + [word for setting in settings for word in ("-c", setting)],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                env=self._environment,
            )
        give_up_at_s = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self._dsn("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > give_up_at_s:
                    pytest.fail((self._folder / "log").read_text())
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        if self._process is not None:
            # “Fast”: a harder stop would replay the whole run's log at the next start.
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_S)
            self._process = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self, template: str = "template1") -> str:
        """Create a database; its SQLAlchemy URL."""
        self._databases += 1
        name = f"test{self._databases}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database here."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def _dsn(self, database: str) -> str:
        return f"dbname={database} user=postgres host={self._folder}"

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(
            command,
            user=self._user,
            cwd="/",
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"{command[0]}: {done.stderr}")


@functools.cache
def shared_server() -> PostgresServer:
    """The test run's one server; whoever stops it starts it again."""
    try:
        program = ensure("postgresql", ROOT / "var", print)
    except PartMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test PostgreSQL. {error}")
        pytest.skip(f"No PostgreSQL server can be had. {error}")
    server = PostgresServer(program)
    atexit.register(server.remove)
    server.start()
    return server


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """A running PostgreSQL. Import it into a conftest to use it."""
    return shared_server()
