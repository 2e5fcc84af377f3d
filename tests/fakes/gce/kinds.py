"""The collections of resources that the fake has."""

from tests.fakes.gce.addresses import Addresses
from tests.fakes.gce.autoscalers import Autoscalers
from tests.fakes.gce.backends import BackendServices
from tests.fakes.gce.disks import Disks
from tests.fakes.gce.endpoint_groups import EndpointGroups
from tests.fakes.gce.forwarding import ForwardingRules
from tests.fakes.gce.groups import Managers
from tests.fakes.gce.health import HealthChecks
from tests.fakes.gce.images import Images, Snapshots
from tests.fakes.gce.instance_groups import InstanceGroups
from tests.fakes.gce.instances import Instances
from tests.fakes.gce.legacy import HttpHealthChecks, TargetPools
from tests.fakes.gce.network import Firewalls, Networks, Subnetworks
from tests.fakes.gce.places import AcceleratorTypes, DiskTypes, MachineTypes, Projects, Regions, Zones
from tests.fakes.gce.proxies import SslCertificates, TargetHttpProxies, TargetHttpsProxies, TargetTcpProxies, UrlMaps
from tests.fakes.gce.reservations import Reservations
from tests.fakes.gce.templates import InstanceTemplates

PLACES = (Projects, Regions, Zones, MachineTypes, AcceleratorTypes, DiskTypes)
COMPUTE = (Images, Snapshots, Disks, Networks, Subnetworks, Firewalls, Addresses, Reservations, Instances)
GROUPS = (InstanceTemplates, InstanceGroups, Managers, Autoscalers)
BALANCING = (
    HealthChecks,
    BackendServices,
    EndpointGroups,
    UrlMaps,
    SslCertificates,
    TargetHttpProxies,
    TargetHttpsProxies,
    TargetTcpProxies,
    ForwardingRules,
    HttpHealthChecks,
    TargetPools,
)
COLLECTIONS = (*PLACES, *COMPUTE, *GROUPS, *BALANCING)
