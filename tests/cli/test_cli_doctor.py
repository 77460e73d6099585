"""What the doctor says about the dashboard's port."""

import asyncio
import http.server
import socket
import threading

import pytest

from backend.cli.doctor import dashboard_finding
from backend.config import Settings
from tests.support.pbx import free_port


def settings(port: int) -> Settings:
    return Settings(_env_file=None, web_port=port)


class OurHealth(http.server.BaseHTTPRequestHandler):
    """Answers as the dashboard does to strangers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: object) -> None: ...


def test_a_free_port_is_well() -> None:
    assert asyncio.run(dashboard_finding(settings(free_port()))).ok


def test_a_port_somebody_else_has_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        other.settimeout(0.1)
        finding = asyncio.run(dashboard_finding(settings(other.getsockname()[1])))
    assert not finding.ok
    assert "FRONTDESK_WEB_PORT" in finding.fix


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_our_own_dashboard_is_well() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OurHealth) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        finding = asyncio.run(dashboard_finding(settings(server.server_port)))
        server.shutdown()
        thread.join()
    assert finding.ok
    assert "answers" in finding.detail
