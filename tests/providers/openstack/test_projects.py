"""Projects that may do less: a quota that is reached, a role that is missing; really so, by Keystone's and Nova's own hand."""

import os
from uuid import uuid4

import openstack
import pytest
import yaml

from cloudlayer import InstanceSpec
from cloudlayer.errors import PermissionDenied, QuotaError
from cloudlayer.providers.openstack.options import Options
from cloudlayer.providers.openstack.provider import OpenStackProvider
from cloudlayer.resources import Instance

pytestmark = pytest.mark.openstack


@pytest.fixture
def admin():
    name = f"{os.environ.get('OS_CLOUD')}-admin"
    try:
        connection = openstack.connect(cloud=name)
    except openstack.exceptions.ConfigException:
        pytest.skip(f"clouds.yaml has no entry {name}, whose user could make a project")
    yield connection
    connection.close()


@pytest.fixture
def project(admin):
    """A project of its own, with a network."""
    made = admin.identity.create_project(name=f"tests-{uuid4().hex[:8]}", domain_id="default")
    network = admin.network.create_network(name="alone", project_id=made.id)
    admin.network.create_subnet(network_id=network.id, project_id=made.id, ip_version=4, cidr="10.9.0.0/24")
    yield made
    admin.network.delete_network(network)
    for group in admin.network.security_groups(project_id=made.id):
        admin.network.delete_security_group(group)
    admin.identity.delete_project(made)


@pytest.fixture
def connected(admin, project, real, tmp_path, monkeypatch):
    """Connects as a new user of the project, with one role."""
    users = []

    def connect(role):
        name = f"{project.name}-{role}"
        user = admin.identity.create_user(name=name, password="tests", domain_id="default")
        users.append(user)
        admin.identity.assign_project_role_to_user(project, user, admin.identity.find_role(role))
        settings = real.direct.config.config
        names = {"username": name, "password": "tests", "user_domain_id": "default", "project_domain_id": "default"}
        auth = {"auth_url": settings["auth"]["auth_url"], "project_name": project.name, **names}
        file = tmp_path / f"{role}.yaml"
        file.write_text(yaml.safe_dump({"clouds": {role: {"auth": auth, "region_name": settings["region_name"]}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        return OpenStackProvider(None, Options(cloud=role))

    yield connect
    for user in users:
        admin.identity.delete_user(user)


def test_a_project_that_may_have_one_instance_gets_one(admin, project, connected):
    admin.compute.update_quota_set(project, instances=1)
    provider = connected("member")
    spec = InstanceSpec(machine_type="m1.tiny", image="tiny")
    first, second = provider.compute.create_batch([spec, spec], token=str(uuid4()))
    try:
        assert isinstance(first, Instance)
        assert isinstance(second, QuotaError)
        assert (second.name, second.limit, second.used) == ("instances", 1, 1)
        (instances,) = (quota for quota in provider.quotas() if quota.name == "instances")
        assert (instances.limit, instances.used) == (1, 1)
    finally:
        provider.compute.delete([first.id])
        provider.compute.wait(first, "deleted", timeout=60)


def test_a_reader_is_told_what_is_missing(connected):
    provider = connected("reader")
    (line,) = (line for line in provider.check() if "role" in line and "member" in line and "add" in line)
    assert "reader" in line
    with pytest.raises(PermissionDenied):
        provider.compute.create(InstanceSpec(machine_type="m1.tiny", image="tiny"), token=str(uuid4()))
    assert provider.compute.list() == []
