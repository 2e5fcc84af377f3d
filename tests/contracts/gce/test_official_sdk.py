"""Google's own SDK drives the fake: what it sends is accepted, and it reads what is answered."""

import pytest

compute = pytest.importorskip("google.cloud.compute_v1")

from google.api_core import exceptions  # noqa: E402
from google.oauth2.credentials import Credentials  # noqa: E402

from tests.contracts.gce.bodies import IMAGE, REGION, ZONE  # noqa: E402

PLACE = {"project": "proj", "zone": "us-central1-a"}
IN_REGION = {"project": "proj", "region": "us-central1"}
IN_PROJECT = {"project": "proj"}


class Sdk:
    """Clients by name, and operations waited for."""

    def __init__(self, url):
        self._options = {"credentials": Credentials(token="token"), "client_options": {"api_endpoint": url}}

    def __getattr__(self, name):
        return getattr(compute, f"{name}Client")(**self._options)

    def end(self, operation, place):
        """The operation when it is over."""
        kind = "Zone" if "zone" in place else "Region" if "region" in place else "Global"
        client = getattr(self, f"{kind}Operations")
        while operation.status != compute.Operation.Status.DONE:
            operation = client.get(operation=operation.name, **place)
        assert not operation.error.errors, operation.error
        return operation


@pytest.fixture
def sdk(gce):
    return Sdk(gce.url)


def boot():
    parameters = compute.AttachedDiskInitializeParams(source_image=IMAGE, disk_size_gb=15, labels={"team": "red"})
    return compute.AttachedDisk(boot=True, auto_delete=True, initialize_params=parameters)


def new_instance(name="vm"):
    return compute.Instance(
        name=name,
        machine_type=f"{ZONE}/machineTypes/e2-small",
        disks=[boot()],
        network_interfaces=[compute.NetworkInterface(access_configs=[compute.AccessConfig(name="External NAT")])],
        labels={"team": "red"},
        scheduling=compute.Scheduling(provisioning_model="SPOT", instance_termination_action="DELETE"),
        metadata=compute.Metadata(items=[compute.Items(key="a", value="b")]),
    )


def test_an_instance_is_made_listed_stopped_and_deleted(sdk, gce):
    gce.options.page = 1
    for name in ("one", "two"):
        sdk.end(sdk.Instances.insert_unary(instance_resource=new_instance(name), **PLACE), PLACE)
    assert [one.name for one in sdk.Instances.list(**PLACE)] == ["one", "two"]
    request = compute.AggregatedListInstancesRequest(project="proj", filter="labels.team = red")
    found = [one.name for _, content in sdk.Instances.aggregated_list(request) for one in content.instances]
    assert sorted(found) == ["one", "two"]
    made = sdk.Instances.get(instance="one", **PLACE)
    assert (made.status, made.disks[0].disk_size_gb, made.scheduling.preemptible) == ("RUNNING", 15, True)
    sdk.end(sdk.Instances.stop_unary(instance="one", **PLACE), PLACE)
    assert sdk.Instances.get(instance="one", **PLACE).status == "TERMINATED"
    sdk.end(sdk.Instances.delete_unary(instance="one", **PLACE), PLACE)
    with pytest.raises(exceptions.NotFound):
        sdk.Instances.get(instance="one", **PLACE)


def test_the_sdk_waits_by_itself(sdk):
    disk = compute.Disk(name="data", size_gb=20)
    operation = sdk.ZoneOperations.wait(operation=sdk.Disks.insert_unary(disk_resource=disk, **PLACE).name, **PLACE)
    assert operation.status == compute.Operation.Status.DONE


def test_the_sdk_tells_errors_by_their_status_and_reason(sdk):
    with pytest.raises(exceptions.NotFound):
        sdk.Disks.get(disk="none", **PLACE)
    sdk.end(sdk.Disks.insert_unary(disk_resource=compute.Disk(name="data"), **PLACE), PLACE)
    with pytest.raises(exceptions.Conflict) as caught:
        sdk.Disks.insert_unary(disk_resource=compute.Disk(name="data"), **PLACE)
    assert caught.value.errors[0]["reason"] == "alreadyExists"
    with pytest.raises(exceptions.BadRequest):
        sdk.Disks.insert_unary(disk_resource=compute.Disk(name="Bad"), **PLACE)


def test_disks_are_attached_detached_resized_and_copied(sdk):
    sdk.end(sdk.Instances.insert_unary(instance_resource=new_instance(), **PLACE), PLACE)
    disk = compute.Disk(name="data", size_gb=20, type_=f"{ZONE}/diskTypes/pd-ssd", labels={"a": "b"})
    sdk.end(sdk.Disks.insert_unary(disk_resource=disk, **PLACE), PLACE)
    attached = compute.AttachedDisk(source=f"{ZONE}/disks/data", device_name="data")
    sdk.end(sdk.Instances.attach_disk_unary(instance="vm", attached_disk_resource=attached, **PLACE), PLACE)
    assert len(sdk.Disks.get(disk="data", **PLACE).users) == 1
    sdk.end(sdk.Instances.detach_disk_unary(instance="vm", device_name="data", **PLACE), PLACE)
    larger = compute.DisksResizeRequest(size_gb=30)
    sdk.end(sdk.Disks.resize_unary(disk="data", disks_resize_request_resource=larger, **PLACE), PLACE)
    snapshot = compute.Snapshot(name="copy", source_disk=f"{ZONE}/disks/data")
    sdk.end(sdk.Snapshots.insert_unary(snapshot_resource=snapshot, **IN_PROJECT), IN_PROJECT)
    assert [one.disk_size_gb for one in sdk.Snapshots.list(**IN_PROJECT)] == [30]


def test_groups_and_autoscalers_are_made_and_read(sdk):
    interface = compute.NetworkInterface(network="global/networks/default")
    properties = compute.InstanceProperties(machine_type="e2-small", disks=[boot()], network_interfaces=[interface])
    template = compute.InstanceTemplate(name="template", properties=properties)
    sdk.end(sdk.InstanceTemplates.insert_unary(instance_template_resource=template, **IN_PROJECT), IN_PROJECT)
    version = compute.InstanceGroupManagerVersion(instance_template="global/instanceTemplates/template")
    policy = compute.InstanceGroupManagerUpdatePolicy(type_="PROACTIVE", max_surge=compute.FixedOrPercent(percent=50))
    manager = compute.InstanceGroupManager(name="group", target_size=2, versions=[version], update_policy=policy)
    managers = sdk.RegionInstanceGroupManagers
    sdk.end(managers.insert_unary(instance_group_manager_resource=manager, **IN_REGION), IN_REGION)
    members = list(managers.list_managed_instances(instance_group_manager="group", **IN_REGION))
    assert [one.current_action for one in members] == ["NONE", "NONE"]
    assert managers.get(instance_group_manager="group", **IN_REGION).status.is_stable
    limits = compute.AutoscalingPolicy(min_num_replicas=3, max_num_replicas=5)
    scaler = compute.Autoscaler(name="scaler", target=f"{REGION}/instanceGroupManagers/group", autoscaling_policy=limits)
    sdk.end(sdk.RegionAutoscalers.insert_unary(autoscaler_resource=scaler, **IN_REGION), IN_REGION)
    assert managers.get(instance_group_manager="group", **IN_REGION).target_size == 3
    change = compute.Autoscaler(autoscaling_policy=compute.AutoscalingPolicy(mode="OFF"))
    request = compute.PatchRegionAutoscalerRequest(autoscaler="scaler", autoscaler_resource=change, **IN_REGION)
    sdk.end(sdk.RegionAutoscalers.patch_unary(request), IN_REGION)
    sdk.end(managers.resize_unary(instance_group_manager="group", size=1, **IN_REGION), IN_REGION)
    assert list(managers.list_errors(instance_group_manager="group", **IN_REGION)) == []


def test_balancers_are_made_and_read(sdk):
    sdk.end(sdk.Instances.insert_unary(instance_resource=new_instance(), **PLACE), PLACE)
    group = compute.InstanceGroup(name="hand", named_ports=[compute.NamedPort(name="http", port=80)])
    sdk.end(sdk.InstanceGroups.insert_unary(instance_group_resource=group, **PLACE), PLACE)
    member = compute.InstanceReference(instance=f"{ZONE}/instances/vm")
    added = compute.InstanceGroupsAddInstancesRequest(instances=[member])
    request = {"instance_group": "hand", "instance_groups_add_instances_request_resource": added}
    sdk.end(sdk.InstanceGroups.add_instances_unary(**request, **PLACE), PLACE)
    check = compute.HealthCheck(name="check", type_="TCP", tcp_health_check=compute.TCPHealthCheck(port=80))
    sdk.end(sdk.RegionHealthChecks.insert_unary(health_check_resource=check, **IN_REGION), IN_REGION)
    allowed = compute.Allowed(I_p_protocol="tcp", ports=["80"])
    rule = compute.Firewall(name="probes", allowed=[allowed], source_ranges=["35.191.0.0/16"])
    sdk.end(sdk.Firewalls.insert_unary(firewall_resource=rule, **IN_PROJECT), IN_PROJECT)
    service = compute.BackendService(
        name="service",
        load_balancing_scheme="INTERNAL",
        protocol="TCP",
        health_checks=[f"{REGION}/healthChecks/check"],
        backends=[compute.Backend(group=f"{ZONE}/instanceGroups/hand", balancing_mode="CONNECTION")],
    )
    services = sdk.RegionBackendServices
    sdk.end(services.insert_unary(backend_service_resource=service, **IN_REGION), IN_REGION)
    front = compute.ForwardingRule(
        name="rule",
        load_balancing_scheme="INTERNAL",
        ports=["80"],
        I_p_protocol="TCP",
        backend_service=f"{REGION}/backendServices/service",
        subnetwork=f"{REGION}/subnetworks/default",
    )
    sdk.end(sdk.ForwardingRules.insert_unary(forwarding_rule_resource=front, **IN_REGION), IN_REGION)
    asked = compute.ResourceGroupReference(group=f"{ZONE}/instanceGroups/hand")
    told = services.get_health(backend_service="service", resource_group_reference_resource=asked, **IN_REGION)
    assert [one.health_state for one in told.health_status] == ["HEALTHY"]
    with pytest.raises(exceptions.BadRequest):
        services.delete_unary(backend_service="service", **IN_REGION)
    sdk.end(sdk.ForwardingRules.delete_unary(forwarding_rule="rule", **IN_REGION), IN_REGION)
    sdk.end(services.delete_unary(backend_service="service", **IN_REGION), IN_REGION)


def test_what_is_there_from_the_start_is_read(sdk):
    machine = sdk.MachineTypes.get(machine_type="a2-highgpu-2g", **PLACE)
    assert machine.accelerators[0].guest_accelerator_count == 2
    assert sdk.Images.get_from_family(project="debian-cloud", family="debian-12").architecture == "X86_64"
    assert {quota.metric for quota in sdk.Regions.get(**IN_REGION).quotas} >= {"CPUS", "NVIDIA_L4_GPUS"}
    assert len(list(sdk.Zones.list(**IN_PROJECT))) == 6
