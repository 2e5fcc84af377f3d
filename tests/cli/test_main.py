import subprocess
import sys

import pytest

from cloudlayer import __version__, errors
from cloudlayer.cli import main
from cloudlayer.cli.exits import ExitCode, NoPlace, Refused, exit_code
from cloudlayer.errors import AvoidScope


def test_help_names_every_command_with_its_purpose(cli):
    outcome = cli("--help")
    assert outcome.code == 0
    for name, (_, purpose) in main.COMMANDS.items():
        assert any(line.split()[:1] == [name] and purpose in line for line in outcome.out.splitlines())


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help_of_its_own_that_begins_as_the_list_says(cli, name):
    outcome = cli(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: cloudlayer {name}")
    assert "Options:" in outcome.out


def test_the_version_is_told(cli):
    assert cli("--version").out == f"cloudlayer {__version__}\n"


def test_no_command_shows_what_there_is_and_is_wrong_usage(cli):
    outcome = cli()
    assert outcome.code == ExitCode.USAGE
    assert "Commands:" in outcome.out + outcome.err


def test_a_mistyped_command_is_answered_with_the_likely_one(cli):
    outcome = cli("offer")
    assert outcome.code == ExitCode.USAGE
    assert "Did you mean 'offers'" in outcome.err


VERBS = {
    "instance": ["create", "list", "show", "delete", "start", "stop", "reboot", "resize", "console"],
    "group": ["create", "list", "show", "delete", "resize", "update", "execute"],
    "lb": ["create", "list", "show", "delete", "register", "deregister", "health"],
    "volume": ["create", "list", "show", "delete", "attach", "detach", "grow", "types", "snapshot", "snapshots"],
    "share": ["create", "list", "show", "mount", "delete"],
}


@pytest.mark.parametrize(("noun", "verb"), [(noun, verb) for noun, verbs in VERBS.items() for verb in verbs])
def test_the_commands_for_single_things_have_help_of_their_own(cli, noun, verb):
    outcome = cli(noun, verb, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: cloudlayer {noun} {verb}")


FLEET_COMMANDS = ["up", "plan", "deploy", "ps", "logs", "events", "cost", "down", "sweep", *VERBS]


def test_the_help_of_no_command_of_fleets_loads_the_store():
    code = "import sys\nfrom cloudlayer.cli.main import run\n"
    code += f"for name in {FLEET_COMMANDS}: run([name, '--help'])\n"
    code += "sys.exit(bool({'sqlalchemy', 'alembic', 'boto3', 'cloudlayer.resources'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0


def test_what_fleets_need_and_is_not_installed_is_named_with_its_mend():
    code = "import sys; sys.modules['sqlalchemy'] = None; sys.argv = ['cloudlayer', 'ps']\n"
    code += "from cloudlayer.cli.main import main; main()"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True, timeout=60)
    assert (child.returncode, child.stdout) == (ExitCode.UNSUPPORTED, "")
    assert child.stderr == "error: fleets need the package sqlalchemy: pip install 'cloudlayer[fleet]'\n"


@pytest.mark.parametrize("arguments", [["offers", "--colour"], ["call"], ["offers", "--cpu", "many"], ["nothing"]])
def test_wrong_usage_exits_with_2_and_nothing_on_standard_output(cli, arguments):
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (ExitCode.USAGE, "")
    assert "Error: " in outcome.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CloudLayerError("x"), 1),
        (errors.EngineError("x"), 1),
        (errors.UnknownCloudError("x"), 1),
        (errors.InvalidSpec("x"), 2),
        (errors.RejectedSpec("x"), 2),
        (Refused("x"), 3),
        (NoPlace("x"), 6),
        (errors.NotFound("x"), 4),
        (errors.AuthError("x"), 5),
        (errors.PermissionDenied("x"), 5),
        (errors.CapacityError("x", scope=AvoidScope.ZONE), 6),
        (errors.QuotaError("x", name="vCPUs"), 6),
        (errors.Conflict("x"), 7),
        (errors.LeaseLost("x"), 7),
        (errors.Unsupported("x"), 8),
        (errors.Throttled("x"), 75),
        (errors.TransientError("x"), 75),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_each_error_has_an_exit_code_that_scripts_can_trust(error, code):
    assert exit_code(error) == code


def test_no_error_class_was_forgotten():
    def family(kind):
        return {kind}.union(*(family(child) for child in kind.__subclasses__()))

    told = {"CloudLayerError", "CloudError", "EngineError", "IntegrityError", "UnknownCloudError"}
    ours = {kind for kind in family(errors.CloudLayerError) if kind.__module__ == "cloudlayer.errors"}
    for kind in ours:
        assert kind.__name__ in told or exit_code(kind.__new__(kind)) != ExitCode.FAILED


def test_an_error_is_told_in_its_own_words_without_a_traceback(cli):
    outcome = cli("offers", "--provider", "nowhere")
    assert outcome.code == ExitCode.USAGE
    assert outcome.err.startswith('error: no provider is called "nowhere"; installed: ')
    assert "Traceback" not in outcome.err


def test_a_message_of_several_lines_is_an_error_in_each(cli, monkeypatch):
    def fail(*_, **__):
        raise errors.InvalidSpec("a: wrong\nb: wrong too")

    monkeypatch.setattr("cloudlayer.providers.registry.connect", fail)
    assert cli("offers").err == "error: a: wrong\nerror: b: wrong too\n"


def test_a_defect_of_ours_is_not_hidden(cli, monkeypatch):
    monkeypatch.setattr("cloudlayer.providers.registry.connect", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli("offers")


def test_an_interrupt_exits_with_130_and_no_traceback():
    code = "import sys, os, signal, cloudlayer.providers.registry as registry\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs are born deaf to it
    code += "registry.connect = lambda name: os.kill(os.getpid(), signal.SIGINT)\n"
    code += "from cloudlayer.cli.main import main; sys.argv = ['cloudlayer', 'providers', '--provider', 'local']; main()"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True, timeout=60)
    assert (child.returncode, child.stdout) == (130, "")
    assert "Traceback" not in child.stderr


def test_a_reader_that_goes_away_is_no_error_worth_a_traceback():
    command = f"{sys.executable} -m cloudlayer.cli providers --json | true"
    child = subprocess.run(["bash", "-c", command], capture_output=True, check=False, text=True, timeout=60)
    assert "Traceback" not in child.stderr
