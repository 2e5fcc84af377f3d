import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec
from cloudlayer.functions.manifest import FunctionSpec, Manifest, load_manifest
from cloudlayer.specs import checked
from cloudlayer.units import GIB, MIB

FLEET = '[fleet]\nname = "seefood"\nproviders = ["local"]\n'
FUNCTION = '[[function]]\nname = "nlp/Echo"\nversion = "1.0.0"\n'
WHOLE = """
[fleet]
name = "seefood"
providers = ["local", "aws:us-east-1"]
allow = { spot = false, machine_types = ["g*"], regions = ["us-*"] }
deny = { machine_types = ["g3*"] }
max_price = "20 USD/h"
taints = { gpu = ["g*"] }
[[function]]
name = "nlp/SentimentAnalysis"
version = "1.0.4"
source = "code"
engine = "process"
resources = { cpu = 0.5, memory = "512MiB", gpu = { count = 1, memory = "6GiB", compute = 0.25, model = ["L4", "A10G"] } }
env = { LANG = "en" }
secrets = { TOKEN = "env:MY_TOKEN" }
calls = ["nlp/Sentences"]
internet = false
timeout = "30s"
idempotent = true
spread = "zone"
apart = ["nlp/Sentences"]
tolerates = ["gpu"]
spot = false
priority = 2
scale = { min = 0, max = 20, concurrency = 8, idle = "5m" }
[[function]]
name = "nlp/Sentences"
version = "0.1.0"
resources = { gpu = { count = 2, profile = "3g.20gb" } }
image = "registry.example/sentences:1"
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "code").mkdir()

    def write(text):
        path = tmp_path / "fleet.toml"
        path.write_text(text)
        return path

    return write


def refusal(path):
    with pytest.raises(InvalidSpec) as caught:
        load_manifest(path)
    return str(caught.value)


def test_every_key_of_the_schema_is_understood(write, tmp_path):
    manifest = load_manifest(write(WHOLE))
    spec = manifest.of("nlp/SentimentAnalysis/1.0.4")
    assert manifest.fleet.max_price.amount == 20
    assert spec.source == str(tmp_path / "code")
    assert (spec.resources.memory, spec.resources.gpu.memory, spec.resources.gpu.model) == (512 * MIB, 6 * GIB, ("L4", "A10G"))
    assert (spec.resources.gpu.thousandths, spec.tolerates, spec.spot, spec.priority) == (250, ("gpu",), False, 2)
    assert manifest.fleet.taints == {"gpu": ("g*",)}
    assert manifest.of("nlp/Sentences/0.1.0").resources.gpu.profile == "3g.20gb"
    assert (spec.timeout, spec.scale.idle, spec.scale.concurrency) == (30.0, 300.0, 8)
    assert manifest.of("nlp/Sentences/0.1.0").wanted_engine == "docker"
    assert spec.wanted_engine == "process"
    assert manifest.of("nlp/Sentences/9.9.9") is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('colour = "red"', ["fleet.toml: function[0].colour", "unknown key"]),
        ('resources = { memory = "16GB" }', ["function[0].resources.memory", '"16GiB"']),
        ('resources = { gpu = { memroy = "1GiB" } }', ["gpu.memroy", "known here: compute, count, memory, model, profile"]),
        ("resources = { gpu = { count = 0 } }", ["gpu.count", "greater than or equal to 1"]),
        ("resources = { gpu = { compute = 1.5 } }", ["gpu.compute", "less than or equal to 1"]),
        ("resources = { gpu = { compute = 0 } }", ["gpu.compute", "greater than or equal to 0.001"]),
        ('resources = { gpu = { profile = "half" } }', ["gpu.profile", "is not a MIG profile", '"3g.20gb"']),
        ('resources = { gpu = { profile = "1g.5gb", memory = "4GiB" } }', ["resources.gpu", "leave out memory and compute"]),
        ('resources = { gpu = { profile = "1g.5gb", compute = 0.5 } }', ["resources.gpu", "leave out memory and compute"]),
        ('tolerates = ["gpu"]', ["nlp/Echo/1.0.0 tolerates gpu", "none of fleet.taints"]),
        ("priority = 1.5", ["priority", "not 1.5"]),
        ('spot = "no"', ["spot", "not 'no'"]),
        ("scale = { min = -1 }", ["scale.min", "not -1"]),
        ("scale = { min = 3, max = 2 }", ["scale", "min 3 is more than max 2"]),
        ("scale = { max = 2.5 }", ["scale.max", "not 2.5"]),
        ('timeout = "30"', ["timeout", 'as in "30s"']),
        ('secrets = { TOKEN = "hunter2" }', ["secrets", "never the secret itself"]),
        ('env = { A = "1" }\nsecrets = { A = "env:A" }', ["in env and in secrets"]),
        ('env = { PORT = "1" }', ["is set by cloudlayer itself"]),
        ('env = { CLOUDLAYER_TOKEN = "1" }', ["is set by cloudlayer itself"]),
        ('env = { "A=B" = "1" }', ["is not a name of an environment variable"]),
        ('calls = ["nlp/Nobody"]', ["nlp/Echo/1.0.0 calls nlp/Nobody", "which this manifest does not have"]),
        ('calls = ["Nobody"]', ["write namespace/Name"]),
        ('calls = { "nlp/Echo" = { rate = -1 } }', ["calls.nlp/Echo.rate", "must be 0 or more"]),
        ('calls = { "nlp/Echo" = { often = 1 } }', ["calls.nlp/Echo.often", "unknown key"]),
        ('image = "a:b"', ["exactly one of source"]),
        ('engine = "podman"', ["engine", "not 'podman'"]),
    ],
)
def test_a_wrong_line_is_refused_by_place_and_mend(write, line, words):
    message = refusal(write(f'{FLEET}{FUNCTION}source = "code"\n{line}\n'))
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_secret_that_was_written_out_is_not_repeated(write):
    assert "hunter2" not in refusal(write(f'{FLEET}{FUNCTION}source = "code"\nsecrets = {{ TOKEN = "hunter2" }}\n'))


@pytest.mark.parametrize("name", ["Echo", "nlp/", "nlp/1Echo", "n-l-p/Echo", "nlp/Echo/1", "nlp/Echo\\n", "nlp/Écho"])
def test_a_function_that_no_caller_could_name_is_refused(write, name):
    assert "write namespace/Name" in refusal(
        write(f'{FLEET}[[function]]\nname = "{name}"\nversion = "1.0.0"\nsource = "code"\n')
    )


def test_an_image_cannot_run_on_the_process_engine(write):
    assert 'needs engine = "docker"' in refusal(write(f'{FLEET}{FUNCTION}image = "a:b"\nengine = "process"\n'))


def test_one_version_stands_in_a_manifest_once(write):
    function = f'{FUNCTION}source = "code"\n'
    assert "nlp/Echo/1.0.0: there more than once" in refusal(write(FLEET + function + function))


def test_a_source_folder_that_is_not_there_is_named(write, tmp_path):
    assert f"source {tmp_path / 'nowhere'} is not a folder" in refusal(write(f'{FLEET}{FUNCTION}source = "nowhere"\n'))


def test_a_fleet_needs_a_provider_and_a_name_that_every_cloud_takes(write):
    message = refusal(write('[fleet]\nname = "See Food"\nproviders = []\n'))
    assert [line.split(": ")[1] for line in message.splitlines()] == ["fleet.name", "fleet.providers"]


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path, write):
    assert "cannot be read: No such file" in refusal(tmp_path / "absent.toml")
    assert "cannot be read" in refusal(tmp_path)
    assert "is not TOML" in refusal(write("[fleet\n"))


def test_a_manifest_without_functions_is_an_empty_fleet(write):
    assert load_manifest(write(FLEET)).function == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["min", "max", "gpu", "cpu", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from([*FunctionSpec.model_fields, "other"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(keys, values, max_size=5))
def test_any_function_is_taken_or_refused_line_by_line(function):
    document = {"fleet": {"name": "a", "providers": ["local"]}, "function": [function]}
    try:
        checked(Manifest, document, "fleet.toml: ")
    except InvalidSpec as error:
        assert all(line.startswith("fleet.toml: ") for line in str(error).splitlines())


@pytest.mark.parametrize(
    ("calls", "rate", "size"),
    [
        ('calls = ["nlp/Sentences"]', 1.0, 16384),
        ('calls = { "nlp/Sentences" = { rate = 20, size = "10KiB" } }', 20.0, 10240),
        ('calls = { "nlp/Sentences" = {} }', 1.0, 16384),
    ],
)
def test_calls_are_names_or_a_table_with_how_often(write, calls, rate, size):
    spec = load_manifest(write(WHOLE.replace('calls = ["nlp/Sentences"]', calls))).function[0]
    assert {name: (weight.rate, weight.size) for name, weight in spec.calls.items()} == {"nlp/Sentences": (rate, size)}
    assert FunctionSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_what_calls_cost_is_the_users_to_say(write):
    prices = '[fleet]\ncall_prices = { second = 0.001, latency_zone = "1ms" }'
    fleet = load_manifest(write(WHOLE.replace("[fleet]", prices))).fleet
    assert (fleet.call_prices.second, fleet.call_prices.latency_zone) == (0.001, 0.001)
