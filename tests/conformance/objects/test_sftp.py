"""Files by SFTP keep what every store promises, on OpenSSH's server."""

from pathlib import Path

import pytest

from cloudlayer.testing.objects import ObjectConformance
from tests.conformance.objects.places import OnAHost


@pytest.mark.objects
class TestSshd(OnAHost, ObjectConformance):
    name = "sftp"
    proof = "real service"
    wrong = (("user", "nobody-of-that-name"),)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, sshd):
        return sshd.fresh()

    @pytest.fixture
    def secrets(self, made):
        """The lines of the key that it signs in with."""
        return tuple(line for line in Path(made.settings["key_file"]).read_text().splitlines() if "-----" not in line)
