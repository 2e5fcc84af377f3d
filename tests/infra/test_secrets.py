"""A secret of a program reaches its machine, and nothing else: no state, no output, no message."""

import base64

import pytest

from tests.infra.clouds.amazon import Amazon
from tests.infra.conftest import Declared

pytestmark = pytest.mark.pulumi

SECRET, OTHER = "hush-1f6b2c", "hush-9d0e77"
PROGRAM = """
word = pulumi.Config().require_secret("word")
worker = instance("worker", user_data=word.apply(lambda word: "#!/bin/sh\\necho " + word){more})
pulumi.export("worker", worker.id)
pulumi.export("data", worker.user_data)
"""


@pytest.fixture
def cloud(amazon: Amazon) -> Amazon:
    return amazon


def user_data(cloud: Amazon) -> str:
    """What the one machine was given."""
    (worker,) = cloud.ids("instance")
    answer = cloud.client("ec2").describe_instance_attribute(InstanceId=worker, Attribute="userData")
    return base64.b64decode(answer["UserData"]["Value"]).decode()


def test_a_secret_reaches_the_machine_alone(declared: Declared, cloud: Amazon) -> None:
    declared.stack.secrets["p:word"] = SECRET
    runs = [declared.preview(PROGRAM.format(more="")), declared.up(PROGRAM.format(more=""))]
    assert [run.failures for run in runs] == [[], []]
    assert SECRET in user_data(cloud)
    assert runs[1].secret_outputs == {"data"}

    same = declared.up(PROGRAM.format(more=""))
    assert [step.op for step in same.steps if step.name == "worker"] == ["same"]
    refused = declared.up(PROGRAM.format(more=', machine_type="no-such-type", name="another"'))
    assert not refused.ok

    declared.stack.secrets["p:word"] = OTHER
    changed = declared.up(PROGRAM.format(more=""))
    assert changed.ok, changed.failures
    assert OTHER in user_data(cloud)

    said = [message.text for run in (*runs, same, refused, changed) for message in run.messages]
    state = (declared.stack.folder / "state.json").read_text()
    for secret in (SECRET, OTHER):
        for text in (*said, state):
            assert secret not in text
            assert base64.b64encode(f"#!/bin/sh\necho {secret}".encode()).decode() not in text


def test_a_key_of_the_provider_is_sealed_where_it_was_secret(declared: Declared, cloud: Amazon) -> None:
    declared.stack.secrets["p:key"] = cloud.options["secret_access_key"]
    options = {name: value for name, value in cloud.options.items() if name != "secret_access_key"}
    word = 'pulumi.Config().require_secret("key")'
    made = declared.up(f'volume("data", provider_options={{**{options!r}, "secret_access_key": {word}}})')
    assert made.ok, made.failures
    shown = {name: value for name, value in vars(declared.stack.resources["data"]).items() if name in ("inputs", "outputs")}
    assert cloud.options["secret_access_key"] not in repr(shown)
    assert cloud.options["secret_access_key"] not in (declared.stack.folder / "state.json").read_text()
    assert declared.stack.destroy().ok
    assert cloud.ids("volume") == []
