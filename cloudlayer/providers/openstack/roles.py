"""What a project's user must be allowed, as commands for the cloud's operator."""

from __future__ import annotations

from typing import Final

ROLES: Final = {
    "member": "servers, networks, images, volumes and stacks: Nova, Neutron, Glance, Cinder, Heat",
    "load-balancer_member": "balancers: Octavia, where its policy asks for a role of its own",
    "heat_stack_owner": "groups: Heat, where it acts for the user by a trust",
}
"""The roles that OpenStack's own policies ask for, and what each is for."""

_NOTE: Final = "# Groups want --unrestricted in place of --restricted: with another, Heat can be given no trust."
_CREDENTIAL: Final = "openstack application credential create --restricted cloudlayer"


def commands() -> str:
    """Commands of OpenStack's own client: the roles on one project, and a credential that can be taken back by itself."""
    lines = ["# An operator gives the user these roles, and no others, on one project of its own; USER and PROJECT are names."]
    for role, purpose in ROLES.items():
        lines += [f"# {purpose}", f"openstack role add --user USER --project PROJECT {role}"]
    lines += ["# The user then makes what cloudlayer logs in with, to be named in clouds.yaml.", _NOTE, _CREDENTIAL]
    return "\n".join(lines)
