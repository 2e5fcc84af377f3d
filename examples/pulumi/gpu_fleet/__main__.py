"""A function on GPUs, behind a balancer.

    pulumi config set provider aws:us-east-1      # or gcp:us-central1, azure:westeurope, openstack, a profile, simulated
    pulumi up

Another provider, and the fleet and its balancer move there. Where the cloud needs to be told about its network, that is
    pulumi config set --path overrides.subnets[0] subnet-0123
"""

import pulumi

from cloudlayer import infra

config = pulumi.Config()
provider = config.require("provider")

service = infra.GpuService(
    "gpu-fleet",
    provider=provider,
    manifest={
        "fleet": {"name": "gpu-fleet", "providers": [provider]},
        "function": [
            {
                "name": "vision/Faces",
                "version": "1.0.0",
                "source": "functions/faces",
                "engine": "process",
                "resources": {"cpu": 2, "memory": "4GiB", "gpu": {"memory": "8GiB"}},
                "scale": {"min": 1, "max": 4},
            }
        ],
    },
    port=config.get_int("port") or 8080,
    overrides=config.get_object("overrides"),
)

pulumi.export("url", service.url)
pulumi.export("api_key", service.api_key)
