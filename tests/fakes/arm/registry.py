"""All types of resources that the fake has, and what is no resource."""

from tests.fakes.arm.autoscaling import AutoscaleSettings
from tests.fakes.arm.compute.disks import Disks
from tests.fakes.arm.compute.images import Images
from tests.fakes.arm.compute.keys import CustomImages, SshPublicKeys
from tests.fakes.arm.compute.machines import VirtualMachines
from tests.fakes.arm.compute.scale_sets import ScaleSets
from tests.fakes.arm.compute.snapshots import Snapshots
from tests.fakes.arm.compute.uniform import ScaleSetMachines
from tests.fakes.arm.compute.usages import Usages
from tests.fakes.arm.network.addresses import PublicAddresses
from tests.fakes.arm.network.balancers import Frontends, LoadBalancers, Pools, Probes, Rules
from tests.fakes.arm.network.interfaces import InterfaceAddresses, MemberInterfaces, NetworkInterfaces
from tests.fakes.arm.network.security_groups import DefaultRules, SecurityGroups, SecurityRules
from tests.fakes.arm.network.virtual_networks import Subnets, VirtualNetworks
from tests.fakes.arm.storage import Shares, StorageAccounts

KINDS = (
    Disks,
    Snapshots,
    CustomImages,
    SshPublicKeys,
    VirtualMachines,
    ScaleSets,
    ScaleSetMachines,
    VirtualNetworks,
    Subnets,
    SecurityGroups,
    SecurityRules,
    DefaultRules,
    PublicAddresses,
    NetworkInterfaces,
    InterfaceAddresses,
    MemberInterfaces,
    LoadBalancers,
    Pools,
    Probes,
    Frontends,
    Rules,
    AutoscaleSettings,
    StorageAccounts,
    Shares,
)

COLLECTIONS = (Images, Usages)
"""What is read and never made."""
