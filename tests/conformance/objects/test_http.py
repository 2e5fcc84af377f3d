"""What a web server gives keeps what every store promises of reading."""

from email.utils import formatdate
from urllib.parse import quote

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.storage.stores.http.web import Page, Web


class TestWeb(ObjectConformance):
    name = "http"
    proof = "stub"

    @pytest.fixture
    def web(self):
        with Web() as web:
            yield web
            web.shutdown()

    @pytest.fixture
    def root(self, web):
        return web.uri

    @pytest.fixture
    def given(self, web, prefix):
        """The server has it: the store cannot put it there."""

        def put(name, data):
            web.pages[quote(f"/{prefix}{name}")] = Page(data, headers={"Last-Modified": formatdate(usegmt=True)})
            return prefix + name

        return put

    @pytest.fixture
    def elsewhere(self):
        settings = {"timeout": "500ms", "connect_timeout": "500ms"}
        return lambda host, port: ({"http": settings}, f"http://{host}:{port}/")
