"""The least that a role must allow. Every action stands here once; without the SDK, since `cloudlayer iam` needs none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": (
        *("Microsoft.Compute/locations/usages/read", "Microsoft.Network/locations/usages/read"),
        *("Microsoft.Compute/locations/operations/read", "Microsoft.Compute/locations/diskOperations/read"),
        *("Microsoft.Network/locations/operations/read", "Microsoft.Network/locations/operationResults/read"),
    ),
    "Catalogue": (
        *("Microsoft.Compute/skus/read", "Microsoft.Compute/images/read", "Microsoft.Compute/galleries/images/versions/read"),
        "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read",
    ),
    "Instances": (
        *("Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/write"),
        *("Microsoft.Compute/virtualMachines/delete", "Microsoft.Compute/virtualMachines/start/action"),
        *("Microsoft.Compute/virtualMachines/deallocate/action", "Microsoft.Compute/virtualMachines/restart/action"),
        "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
        *("Microsoft.Compute/sshPublicKeys/read", "Microsoft.Compute/sshPublicKeys/write"),
        *("Microsoft.Compute/sshPublicKeys/delete", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"),
    ),
    "Networks": (
        *("Microsoft.Network/networkInterfaces/read", "Microsoft.Network/networkInterfaces/write"),
        *("Microsoft.Network/networkInterfaces/delete", "Microsoft.Network/networkInterfaces/join/action"),
        *("Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/publicIPAddresses/write"),
        *("Microsoft.Network/publicIPAddresses/delete", "Microsoft.Network/publicIPAddresses/join/action"),
        *("Microsoft.Network/networkSecurityGroups/read", "Microsoft.Network/networkSecurityGroups/write"),
        *("Microsoft.Network/networkSecurityGroups/delete", "Microsoft.Network/networkSecurityGroups/join/action"),
        *("Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/write"),
        *("Microsoft.Network/virtualNetworks/subnets/read", "Microsoft.Network/virtualNetworks/subnets/join/action"),
    ),
    "Disks": (
        *("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/write", "Microsoft.Compute/disks/delete"),
        *("Microsoft.Compute/diskEncryptionSets/read",),
        *("Microsoft.Compute/snapshots/read", "Microsoft.Compute/snapshots/write", "Microsoft.Compute/snapshots/delete"),
        *("Microsoft.Compute/disks/beginGetAccess/action", "Microsoft.Compute/snapshots/beginGetAccess/action"),
    ),
    "Groups": (
        *("Microsoft.Compute/virtualMachineScaleSets/read", "Microsoft.Compute/virtualMachineScaleSets/write"),
        *("Microsoft.Compute/virtualMachineScaleSets/delete", "Microsoft.Compute/virtualMachineScaleSets/delete/action"),
        *("Microsoft.Compute/virtualMachineScaleSets/manualUpgrade/action",),
        *("Microsoft.Compute/virtualMachineScaleSets/instanceView/read",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/delete",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/start/action",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/deallocate/action",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action",),
        *("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/retrieveBootDiagnosticsData/action",),
        *("Microsoft.Insights/autoscalesettings/read", "Microsoft.Insights/autoscalesettings/write"),
        *("Microsoft.Insights/autoscalesettings/delete", "Microsoft.Insights/metrics/read"),
    ),
    "Balancers": (
        *("Microsoft.Network/loadBalancers/read", "Microsoft.Network/loadBalancers/write"),
        *("Microsoft.Network/loadBalancers/delete", "Microsoft.Network/loadBalancers/probes/join/action"),
        *("Microsoft.Network/loadBalancers/backendAddressPools/read",),
        *("Microsoft.Network/loadBalancers/backendAddressPools/write",),
        *("Microsoft.Network/loadBalancers/backendAddressPools/join/action",),
        *("Microsoft.Network/virtualNetworks/joinLoadBalancer/action", "Microsoft.Network/virtualNetworks/join/action"),
    ),
    "Shares": (
        *("Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/write"),
        *("Microsoft.Storage/storageAccounts/delete", "Microsoft.Storage/storageAccounts/fileServices/shares/read"),
        *("Microsoft.Storage/storageAccounts/fileServices/shares/write",),
        *("Microsoft.Network/virtualNetworks/subnets/write",),
        *("Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",),
    ),
}
"""What is called, by what it is called for. Using a thing in another, as an interface in a machine, is one of its own, and so
is copying a disk. Azure refuses a role with an action that it does not have, as it has none for following storage's operations.
"""


def policy() -> str:
    """The role as `az role definition create` reads it, in JSON; SUBSCRIPTION is to be replaced.

    Sizes, quotas, and the power of machines in a list, are asked for the subscription, everything else in one resource group.
    """
    role = {
        "Name": "cloudlayer",
        "IsCustom": True,
        "Description": "What cloudlayer needs: machines, groups, balancers, disks and shares",
        "Actions": sorted({action for actions in ACTIONS.values() for action in actions}),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    }
    return json.dumps(role, indent=2)
