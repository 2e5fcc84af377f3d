"""What `doctor`, `quotas` and `iam` tell of a project."""

import pytest
import yaml

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.gcp import policy
from cloudlayer.providers.gcp.permissions import METHODS, permissions
from cloudlayer.resources import Leftover
from tests.fakes.gce.schema import published
from tests.providers.gcp.services import Permissions


@pytest.fixture
def iam():
    stub = Permissions(permissions())
    yield stub
    stub.close()


def test_where_all_is_well_there_is_nothing_to_tell(cloud):
    assert cloud.check() == []


def test_a_region_that_is_not_there_is_told(another):
    (line,) = another(region="nowhere1").check()
    assert "gcloud compute regions list" in line


@pytest.mark.parametrize(
    ("code", "status", "mend"),
    [
        ("authError", 401, "gcloud auth application-default login"),
        ("accessNotConfigured", 403, "gcloud services enable compute.googleapis.com --project=proj"),
        ("forbidden", 403, "cloudlayer iam gcp"),
        ("backendError", 503, "reachable"),
    ],
)
def test_what_is_wrong_is_told_with_its_mend(cloud, gce, code, status, mend):
    gce.fault(code=code, status=status)
    (line,) = cloud.check()
    assert mend in line
    assert "\n" not in line


def test_what_may_not_be_looked_at_is_named(cloud, gce):
    gce.fault(method="compute.reservations.aggregatedList", code="forbidden", status=403)
    (line,) = cloud.check()
    assert "compute.reservations.list" in line


def test_what_may_not_be_done_is_told_by_iam_itself(another, iam):
    cloud = another(iam_endpoint=iam.url)
    assert cloud.check() == []
    iam.held = set(permissions()) - {"compute.instances.create", "compute.firewalls.delete"}
    lines = cloud.check()
    assert [line.partition(" ")[0] for line in lines] == ["compute.firewalls.delete", "compute.instances.create"]
    assert all("cloudlayer iam gcp" in line for line in lines)
    assert all(call.verb == "POST" for call in iam.calls)


def test_where_iam_is_not_to_be_asked_that_is_told(another, iam):
    iam.fault(code="PERMISSION_DENIED", status=403)
    (line,) = another(iam_endpoint=iam.url).check()
    assert "IAM is not to be asked" in line


def test_quotas_are_those_of_the_region_and_of_the_project_with_their_use(cloud, gce):
    gce.options.quotas = {"CPUS": 24.0}
    found = {quota.name: quota for quota in cloud.quotas()}
    assert found["CPUS in us-central1"].limit == 24.0
    assert found["FIREWALLS in all regions"].used == 0.0
    assert "project=proj" in found["CPUS in us-central1"].mend


def test_the_role_is_one_that_gcloud_reads():
    role = yaml.safe_load(policy())
    assert role["stage"] == "GA"
    assert role["includedPermissions"] == sorted(set(role["includedPermissions"]))
    assert {"compute.instances.create", "iam.serviceAccounts.actAs"} <= set(role["includedPermissions"])
    assert not any("*" in name for name in role["includedPermissions"])


def test_the_role_has_what_is_asked_of_things_that_others_name():
    named = ("instanceGroupManagers.use", "instanceGroups.use", "instanceTemplates.useReadOnly", "disks.use", "networks.use")
    assert {f"compute.{name}" for name in named} <= set(permissions())


def test_every_method_of_the_role_is_one_of_the_api():
    known = {f"compute.{word}.{name}" for word, found in published().document["resources"].items() for name in found["methods"]}
    assert METHODS.keys() - known == set()


def test_a_leftover_that_is_none_is_refused(cloud):
    with pytest.raises(InvalidSpec, match="is none of those"):
        cloud.delete_leftover(Leftover("mine", "firewall", "gcp", "us-central1", name="mine"))
