"""A network that the cloud's own package makes, and in it a machine and a disk of ours.

pip install pulumi_openstack 'cloudlayer[openstack,pulumi]'
pulumi config set image ubuntu-22.04
pulumi config set machine_type m1.small
pulumi up
"""

import pulumi
import pulumi_openstack as openstack

from cloudlayer import infra

config = pulumi.Config()

network = openstack.networking.Network("inside", admin_state_up=True)
subnet = openstack.networking.Subnet("inside", network_id=network.id, cidr="10.20.0.0/24", ip_version=4)

worker = infra.Instance(
    "worker",
    provider="openstack",
    machine_type=config.require("machine_type"),
    image=config.require("image"),
    overrides={"network": network.id},
    opts=pulumi.ResourceOptions(depends_on=[subnet]),
)
data = infra.Volume("data", provider="openstack", size="1GiB", attached_to=worker.id)

pulumi.export("address", worker.private_address)
pulumi.export("device", data.device)
