"""Fills the services for up.sh: `seed.py identity` makes the catalogue, the projects and the users, `seed.py wait` returns when
all services answer, and `seed.py resources` makes flavors, an image and networks."""

import sys
import time

import openstack

LIMIT = 120.0
SERVICES = {
    "placement": ("placement", "http://127.0.0.1:28778"),
    "image": ("glance", "http://127.0.0.1:29292"),
    "compute": ("nova", "http://127.0.0.1:28774/v2.1"),
    "network": ("neutron", "http://127.0.0.1:29696"),
    "block-storage": ("cinder", "http://127.0.0.1:28776/v3"),
    "orchestration": ("heat", "http://127.0.0.1:28004/v1/%(project_id)s"),
    "load-balancer": ("octavia", "http://127.0.0.1:29876"),
}
ROLES = ("heat_stack_owner", "heat_stack_user", "load-balancer_member", "load-balancer_admin")
FLAVORS = {"m1.tiny": (1, 512, 1), "m1.small": (1, 2048, 20), "m1.large": (4, 8192, 80), "g1.a100": (8, 65536, 100)}
GPU = {"resources:CUSTOM_GPU_A100": "1", "trait:CUSTOM_GPU_NVIDIA": "required"}


def identity():
    """The catalogue, the services' own user, an ordinary project member (demo), and what Heat and Octavia ask for."""
    keystone = openstack.connect(cloud="ci-admin").identity
    for kind, (name, url) in SERVICES.items():
        service = keystone.create_service(type=kind, name=name)
        for interface in ("public", "internal"):
            keystone.create_endpoint(service_id=service.id, interface=interface, url=url, region_id="RegionOne")
    roles = {role.name: role for role in keystone.roles()} | {name: keystone.create_role(name=name) for name in ROLES}

    def granted(project, user, *names):
        for name in names:
            keystone.assign_project_role_to_user(project, user, roles[name])

    services = keystone.create_project(name="service", domain_id="default")
    granted(services, keystone.create_user(name="svc", password="ci", domain_id="default"), "admin", "service")
    demo = keystone.create_project(name="demo", domain_id="default")
    user = keystone.create_user(name="demo", password="ci", domain_id="default")
    granted(demo, user, "member", "heat_stack_owner", "load-balancer_member")
    granted(keystone.find_project("admin"), keystone.find_user("admin"), "heat_stack_owner", "load-balancer_admin")
    domain = keystone.create_domain(name="heat")
    heat = keystone.create_user(name="heat_domain_admin", password="ci", domain_id=domain.id)
    keystone.assign_domain_role_to_user(domain, heat, roles["admin"])


def wait():
    """Until every service answers, and those that have workers say that theirs are up."""
    cloud = openstack.connect(cloud="ci-admin")
    pending = {
        "placement": lambda: cloud.placement.get("/").ok,
        "nova": lambda: _are_up(cloud.compute.services(), "nova-compute", "nova-conductor", "nova-scheduler"),
        "neutron": lambda: list(cloud.network.networks()) is not None,
        "glance": lambda: list(cloud.image.images()) is not None,
        "cinder": lambda: _are_up(cloud.block_storage.services(), "cinder-scheduler", "cinder-volume"),
        "heat": lambda: any(found["status"] == "up" for found in cloud.orchestration.get("/services").json()["services"]),
        "octavia": lambda: list(cloud.load_balancer.load_balancers()) is not None,
    }
    started, last = time.monotonic(), {}
    while pending:
        for name, is_ready in list(pending.items()):
            try:
                if is_ready():
                    del pending[name]
                    print(f"   {name:10s} ready after {time.monotonic() - started:5.1f}s", flush=True)
            except Exception as error:  # whatever it is, the service is not there yet
                last[name] = error
        if time.monotonic() - started > LIMIT:
            sys.exit("not ready: " + "; ".join(f"{name}: {last.get(name)}" for name in pending))
        time.sleep(0.2)


def _are_up(services, *names):
    found = list(services)
    return {service.binary for service in found} >= set(names) and all(service.state == "up" for service in found)


def resources():
    """Four flavors, one of them with a GPU; an image; a network of the project's, and one for public addresses."""
    admin, demo = openstack.connect(cloud="ci-admin"), openstack.connect(cloud="ci").network
    for name, (cores, memory, disk) in FLAVORS.items():
        made = admin.compute.create_flavor(name=name, vcpus=cores, ram=memory, disk=disk)
        if name == "g1.a100":
            admin.compute.create_flavor_extra_specs(made, GPU)
    form = {"disk_format": "raw", "container_format": "bare", "visibility": "public", "min_disk": 0}
    admin.image.create_image("tiny", data=b"\0" * 1024, wait=True, **form)
    flat = {"provider_network_type": "flat", "provider_physical_network": "ext"}
    public = admin.network.create_network(name="public", is_router_external=True, **flat)
    subnet = {"name": "public", "ip_version": 4, "cidr": "203.0.113.0/24", "is_dhcp_enabled": False}
    admin.network.create_subnet(network_id=public.id, **subnet)
    private = demo.create_network(name="private")
    subnet = demo.create_subnet(network_id=private.id, name="private", ip_version=4, cidr="10.0.0.0/24")
    router = demo.create_router(name="r1", external_gateway_info={"network_id": public.id})
    demo.add_interface_to_router(router, subnet_id=subnet.id)


if __name__ == "__main__":
    {"identity": identity, "wait": wait, "resources": resources}[sys.argv[1]]()
