"""A replica that calls others finds the gateway, also one that comes back under the same name, and without internet."""

import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

CALL = """
import cloudlayer_client
answer = cloudlayer_client.client().algo("nlp/Other/1.0.0").pipe("hello")
result = answer.result
"""


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = f"{self.path.partition('?')[0]} {self.headers['Authorization']} {body} {self.server.generation}"
        answer = f'{{"result": "{said}", "metadata": {{"content_type": "text", "duration": 0}}}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self):
        return "a replica"

    def log_message(self, *_):
        pass


@pytest.fixture
def gateway(tmp_path_factory):
    """Starts a stand-in for the gateway on the same path, again and again."""
    folder = tmp_path_factory.mktemp("gw")
    folder.chmod(0o755)
    servers = []

    def start():
        for server in servers:
            server.shutdown()
            server.server_close()
        path = folder / "gateway.sock"
        path.unlink(missing_ok=True)
        server = socketserver.ThreadingUnixStreamServer(str(path), Gateway)
        server.generation = len(servers) + 1
        path.chmod(0o666)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return Path(path)

    yield start
    servers[-1].shutdown()
    servers[-1].server_close()


def test_it_calls_through_the_gateways_socket_without_internet_even_after_the_gateway_started_anew(fleet, engine, gateway):
    environment = {"CLOUDLAYER_URL": "http://127.0.0.1:8080", "CLOUDLAYER_TOKEN": "narrow"}
    status = fleet.ready(engine, environment=environment, gateway_socket=gateway())
    assert fleet.look(status, CALL) == "/v1/algo/nlp/Other/1.0.0 narrow hello 1"
    gateway()
    assert fleet.look(status, CALL) == "/v1/algo/nlp/Other/1.0.0 narrow hello 2"


def test_it_cannot_put_anything_beside_the_gateways_socket(fleet, engine, gateway):
    status = fleet.ready(engine, gateway_socket=gateway())
    assert fleet.look(status, WRITE) == "Read-only file system"


WRITE = """
try:
    open("/run/cloudlayer/x", "w")
    result = "written"
except OSError as error:
    result = error.strerror
"""


def test_one_that_calls_nobody_has_no_way_to_the_gateway(fleet, engine):
    status = fleet.ready(engine)
    assert fleet.look(status, "import os; result = os.path.exists('/run/cloudlayer')") is False
