"""The command line with a driver of Libcloud, as with any provider."""

from tests.cli.conftest import cli

__all__ = ["cli"]


def test_offers_are_shown(cli):
    outcome = cli("offers", "--provider", "libcloud:dummy", "--json")
    assert outcome.code == 0, outcome.err
    assert {offer["provider"] for offer in outcome.document} == {"libcloud:dummy"}
    assert outcome.document[0]["machine_type"]["name"] == "Small"


def test_an_instance_is_made(cli):
    arguments = ["--machine-type", "Medium", "--image", "Ubuntu 9.10", "--provider", "libcloud:dummy", "--yes", "--json"]
    outcome = cli("instance", "create", "--name", "one", *arguments)
    assert outcome.code == 0, outcome.err
    (made,) = outcome.document
    assert made["provider"] == "libcloud:dummy"


def test_doctor_and_iam_know_it(cli):
    assert cli("doctor", "libcloud:dummy").code == 0
    assert cli("iam", "libcloud:dummy").code == 8
    assert cli("doctor", "libcloud:vultur").code == 2
