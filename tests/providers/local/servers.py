"""Servers for balancers to stand in front of: one says its name, one sends back what it gets."""

import contextlib
import http.client
import random
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WITHIN = 20.0


def until(condition):
    """Wait until the condition holds; what it gave."""
    end = time.monotonic() + WITHIN
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def named(address, port, status=200):
    """An HTTP server that answers each request with its own address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(address.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def echo(address, port):
    """A TCP server that sends back what it gets, and ends when its client does."""
    listener = socket.create_server((address, port))

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while content := connection.recv(1 << 18):
                connection.sendall(content)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def asked(address, port):
    """Which server answers there."""
    connection = http.client.HTTPConnection(address, port, timeout=WITHIN)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def free_port():
    """A port that nobody has, nor the next one, on any address; below those that the system gives to clients."""
    while True:
        port = random.randrange(10_000, 30_000, 2)
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("", port))
            second.bind(("", port + 1))
            return port
