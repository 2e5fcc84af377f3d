"""What IAM must allow is what the driver calls: no less, and no more."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

import cloudlayer.providers.aws
from cloudlayer.providers.aws.permissions import ACTIONS, action, policy

SERVICES = ("ec2", "autoscaling", "elbv2", "cloudwatch", "ssm", "sts", "service-quotas", "pricing")
IMPLIED = {"elasticloadbalancing:AddTags", "cloudwatch:TagResource"}
"""Actions of tags that are given with a create, for which no operation is called."""


@pytest.fixture(scope="module")
def called():
    """Every operation that the driver's source names: a set of actions for each, of the services that have one so called."""
    models = {service: botocore.session.get_session().get_service_model(service) for service in SERVICES}
    known = {service: {xform_name(name) for name in model.operation_names} for service, model in models.items()}
    found = {}
    for path in Path(cloudlayer.providers.aws.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                actions = {action(service, node.value) for service in SERVICES if node.value in known[service]}
                found.setdefault(node.value, set()).update(actions)
    return {name: actions for name, actions in found.items() if actions}


def test_every_operation_that_is_called_is_allowed(called):
    allowed = {name for actions in ACTIONS.values() for name in actions}
    assert len(called) > 50
    assert {name: actions for name, actions in called.items() if not actions & allowed} == {}


def test_nothing_else_is_allowed(called):
    allowed = {name for actions in ACTIONS.values() for name in actions}
    assert allowed - set().union(*called.values()) == IMPLIED


def test_no_action_stands_there_twice():
    listed = [name for actions in ACTIONS.values() for name in actions]
    assert len(listed) == len(set(listed))


def test_the_actions_are_ones_that_aws_has():
    models = {service: botocore.session.get_session().get_service_model(service) for service in SERVICES}
    known = {action(service, xform_name(name)) for service, model in models.items() for name in model.operation_names}
    assert {name for actions in ACTIONS.values() for name in actions} - known - IMPLIED == set()


def test_the_policy_is_one_that_iam_reads():
    document = json.loads(policy())
    assert document["Version"] == "2012-10-17"
    names = [statement["Sid"] for statement in document["Statement"]]
    assert len(names) == len(set(names))
    assert all(statement["Effect"] == "Allow" and statement["Action"] for statement in document["Statement"])
    assert len(json.dumps(document, separators=(",", ":"))) < 6144  # the most that IAM takes as a managed policy


def test_it_is_told_without_the_sdk_and_without_credentials():
    script = (
        "import sys; sys.modules['boto3'] = sys.modules['botocore'] = None; "
        "from cloudlayer.providers.aws import policy; print(policy())"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == policy()


def test_the_plug_in_tells_it_as_often_as_it_is_asked():
    assert cloudlayer.providers.aws.policy() == cloudlayer.providers.aws.policy() == policy()
