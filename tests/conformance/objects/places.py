"""What the suites against the stores of tests/storage have in common."""

import pytest

from cloudlayer.testing.skips import skip


class OnAPlace:
    """`made` is the fresh place, as tests/storage gives it; it is the same for all tests of a class."""

    secret_settings = ()
    """The settings that no message may have in it."""

    wrong = ()
    """The settings, as pairs, with which the store lets nobody in."""

    @pytest.fixture
    def root(self, made):
        return made.uri

    @pytest.fixture
    def stores(self, made):
        return made.stores

    @pytest.fixture
    def denied(self, made):
        if not self.wrong:
            skip("fixture", "denied", "the server lets everybody in")
        return {made.scheme: {**made.settings, **dict(self.wrong)}}

    @pytest.fixture
    def secrets(self, made):
        if not self.secret_settings:
            skip("fixture", "secrets", "the server asks for none")
        given = {**made.settings, **{f"wrong {name}": value for name, value in self.wrong}}
        return tuple(value for name, value in given.items() if name.removeprefix("wrong ") in self.secret_settings)


class AtAnEndpoint(OnAPlace):
    """A store that is reached at an URL; and a bucket that was never made."""

    @pytest.fixture
    def elsewhere(self, made):
        def elsewhere(host, port):
            at = {"endpoint": f"http://{host}:{port}", "timeout": "500ms", "connect_timeout": "500ms"}
            return {made.scheme: {**made.settings, **at}}, made.uri

        return elsewhere

    @pytest.fixture
    def absent_root(self, made):
        return f"{made.scheme}://cloudlayer-never-made/"


class OnAHost(OnAPlace):
    """A store that is reached at the host of its URI."""

    @pytest.fixture
    def elsewhere(self, made):
        def elsewhere(host, port):
            settings = {**made.settings, "timeout": "500ms", "connect_timeout": "500ms"}
            return {made.scheme: settings}, f"{made.scheme}://{host}:{port}/"

        return elsewhere
