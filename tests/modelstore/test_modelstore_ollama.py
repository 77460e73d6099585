"""Having Ollama fetch a model, against a server with its wire format that also misbehaves."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from backend.cli.models import fetch_model
from backend.config import Settings
from backend.core.errors import ModelError
from backend.modelstore.ollama_pull import ATTEMPTS, pull

NAME = "llama3.2"
LAYER, CONFIG = "sha256:aa", "sha256:bb"
CUT: dict[str, Any] = {}
"""The connection breaks here."""


def layer(digest: str, completed: int | None, total: int) -> dict[str, Any]:
    told = {} if completed is None else {"completed": completed}
    return {"status": f"pulling {digest[7:]}", "digest": digest, "total": total, **told}


WHOLE: Sequence[dict[str, Any]] = (
    {"status": "pulling manifest"},
    layer(LAYER, None, 1000),
    layer(LAYER, 400, 1000),
    layer(LAYER, 1000, 1000),
    layer(CONFIG, 20, 20),
    {"status": "verifying sha256 digest"},
    {"status": "writing manifest"},
    {"status": "success"},
)


class Ollama:
    """Plays one list of lines for each request; the last one for all further ones."""

    def __init__(self, *plays: Sequence[dict[str, Any]]) -> None:
        self.plays = list(plays)
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator["Ollama"]:
        ollama = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/api/pull"
                ollama.asked.append(
                    json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                )
                play = ollama.plays.pop(0) if len(ollama.plays) > 1 else ollama.plays[0]
                whole = b"".join(json.dumps(line).encode() + b"\n" for line in play if line)
                self.send_response(200)
                # What is cut off was longer.
                self.send_header("Content-Length", str(len(whole) + (CUT in play)))
                self.end_headers()
                self.wfile.write(whole)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Tests are quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def pulled(*plays: Sequence[dict[str, Any]]) -> tuple[list[tuple[int, int]], list[float], Ollama]:
    """The progress reported, the pauses made, and the server."""
    told: list[tuple[int, int]] = []
    pauses: list[float] = []
    with Ollama(*plays).serving() as server:
        pull(server.url, NAME, lambda done, total: told.append((done, total)), pauses.append)
    return told, pauses, server


def refused(*plays: Sequence[dict[str, Any]]) -> ModelError:
    with pytest.raises(ModelError) as caught:
        pulled(*plays)
    return caught.value


def test_ollama_is_asked_for_the_model_and_its_progress_is_told() -> None:
    told, pauses, server = pulled(WHOLE)
    assert [asked["model"] for asked in server.asked] == [NAME]
    assert told == [(0, 1000), (400, 1000), (1000, 1000), (1020, 1020)]
    assert pauses == []


def test_a_cut_connection_is_taken_up_again() -> None:
    told, pauses, server = pulled([layer(LAYER, 400, 1000), CUT], WHOLE)
    assert len(server.asked) == 2
    assert pauses == [1.0]
    assert told[-1] == (1020, 1020)


def test_a_stream_that_ends_before_success_is_taken_up_again() -> None:
    assert len(pulled(WHOLE[:3], WHOLE)[2].asked) == 2


def test_connections_that_gain_nothing_are_given_up() -> None:
    error = refused([layer(LAYER, 400, 1000), CUT])
    assert "keeps breaking" in error.message
    assert "fetch again" in error.fix


def test_connections_that_gain_something_are_not_given_up() -> None:
    cuts = [[layer(LAYER, 100 * part, 1000), CUT] for part in range(1, ATTEMPTS + 3)]
    assert len(pulled(*cuts, WHOLE)[2].asked) == len(cuts) + 1


def test_a_model_nobody_has_is_named() -> None:
    error = refused([{"error": "pull model manifest: file does not exist"}])
    assert NAME in error.message
    assert "ollama.com/library" in error.fix


def test_what_ollama_complains_of_is_passed_on() -> None:
    error = refused([WHOLE[0], {"error": "write /models/blobs: no space left on device"}])
    assert "no space left" in error.message


@pytest.mark.parametrize("line", [{"status": 7}, {"completed": "x"}])
def test_something_that_is_not_ollama_is_told(line: dict[str, Any]) -> None:
    assert "is not Ollama" in refused([line]).message


def test_an_ollama_that_does_not_run_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ModelError) as caught:
            pull(url, NAME, lambda done, total: None, lambda pause_s: None)
    assert url in caught.value.message
    assert "ollama serve" in caught.value.fix


def test_a_name_is_needed() -> None:
    with pytest.raises(ModelError, match="Which model"):
        pull("http://127.0.0.1:9", "", lambda done, total: None, lambda pause_s: None)


def test_the_command_fetches_and_says_how_to_use_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Ollama(WHOLE).serving() as server:
        settings = Settings.model_validate({"data_dir": tmp_path, "ollama_url": server.url})
        fetch_model(settings, f"ollama:{NAME}")
    printed = capsys.readouterr().out
    assert f"has {NAME}" in printed
    assert f"FRONTDESK_OLLAMA_MODEL={NAME}" in printed
