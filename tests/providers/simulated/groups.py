"""Groups as the tests of the simulated cloud make them."""

from uuid import uuid4

from cloudlayer.resources import ScalingGroupSpec

RUN = {"run": "one"}


def token():
    return str(uuid4())


def spec(**fields):
    template = {"machine_type": "cpu-2", **fields.pop("template", {})}
    return ScalingGroupSpec.model_validate({"name": "web", "template": template, "max": 6, "labels": RUN, **fields})


def changed(before, **fields):
    return ScalingGroupSpec.model_validate({**before.model_dump(), **fields})


def active(groups, group):
    return groups.wait(group, "active")


def seen(world):
    (group,) = world.groups()
    return group
