"""What a replica can do and see, asked from inside of it."""

import os
import socket
import socketserver
import subprocess
import sys
import threading

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.runtime.docker import firewall
from cloudlayer.runtime.hosts.local import LocalHost

MIB, GIB = 1024**2, 1024**3
METADATA = "169.254.77.77"


@pytest.fixture(scope="module")
def fleet(lasting_fleet):
    return lasting_fleet


@pytest.fixture(scope="module")
def engine(fleet):
    return fleet.engine()


@pytest.fixture(scope="module")
def closed(fleet, engine):
    """A replica with internet = false."""
    return fleet.ready(engine, environment={"COLOUR": "red", "TOKEN": "s3cret"}, concurrency=3)


@pytest.fixture(scope="module")
def opened(fleet, engine):
    """A replica with internet = true."""
    return fleet.ready(engine, internet=True)


@pytest.fixture
def listening():
    """Ports of this host that answer, by the address that they listen on."""
    servers = []

    def listen(address):
        server = socketserver.ThreadingTCPServer((address, 0), Greeting)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_address[1]

    yield listen
    for server in servers:
        server.shutdown()
        server.server_close()


class Greeting(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"hello")


@pytest.fixture
def metadata(listening):
    """The port of a stand-in for a cloud's metadata service, at an address of its range on this host."""
    subprocess.run(["ip", "addr", "add", f"{METADATA}/32", "dev", "lo"], check=True)
    yield listening(METADATA)
    subprocess.run(["ip", "addr", "del", f"{METADATA}/32", "dev", "lo"], check=True)


def reach(host, port):
    """Code that tells what a connection to there gives."""
    return f"""
import socket
result = "nothing"
try:
    with socket.create_connection(({host!r}, {port}), timeout=1) as connection:
        result = "connected"
        result = connection.recv(5).decode() or result
except OSError:
    pass
"""


def gateway_of(engine, status):
    networks = engine._client.inspect_container(status.handle)["NetworkSettings"]["Networks"]
    (network,) = (engine._client.inspect_network(name) for name in networks)
    return network["IPAM"]["Config"][0].get("Gateway") or status.address.split("/")[2].rsplit(".", 1)[0] + ".1"


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.200", 9))
        return probe.getsockname()[0]


def test_it_is_nobody_with_no_capability_and_can_gain_none(fleet, closed):
    status = dict(line.split(":\t", 1) for line in fleet.look(closed, "result = open('/proc/self/status').read()").splitlines())
    assert set(status["Uid"].split()) == {"65534"}
    assert set(status["Gid"].split()) == {"65534"}
    assert status["Groups"].split() in ([], ["65534"])
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_it_can_write_in_tmp_alone(fleet, closed):
    code = """
import os
result = []
for folder in ("/", "/function", "/usr", "/etc", "/var", "/root", "/dev/shm", "/tmp"):
    try:
        with open(f"{folder}/x", "w"):
            result.append(folder)
    except OSError:
        pass
"""
    assert set(fleet.look(closed, code)) <= {"/tmp", "/dev/shm"}


def test_its_limits_are_what_was_asked_for(fleet, engine):
    status = fleet.ready(engine, cpu=0.5, memory=GIB)
    form = engine._client.inspect_container(status.handle)["HostConfig"]
    assert (form["Memory"], form["MemorySwap"], form["NanoCpus"]) == (GIB, GIB, 500_000_000)
    assert form["RestartPolicy"]["Name"] in ("", "no")
    assert form["PidsLimit"] == 512
    assert 400 < fleet.look(status, FORK) < 512


FORK = """
import os, signal
children = []
try:
    for _ in range(600):
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
result = len(children)
"""


def test_its_environment_is_its_functions_own(fleet, closed):
    found = fleet.look(closed, "import os; result = dict(os.environ)")
    assert {key: found.pop(key) for key in ("COLOUR", "TOKEN", "PORT", "CLOUDLAYER_CONCURRENCY")} == {
        "COLOUR": "red", "TOKEN": "s3cret", "PORT": "8080", "CLOUDLAYER_CONCURRENCY": "3"}  # fmt: skip
    assert found.keys() == {"PATH", "HOME", "HOSTNAME", "LANG", "HOST", "PYTHONSAFEPATH"}
    assert "root" not in found["PATH"]


def test_no_label_and_no_record_holds_a_secret(fleet, engine, closed):
    assert "s3cret" not in str(closed)
    assert "s3cret" not in str(engine._client.inspect_container(closed.handle)["Config"]["Labels"])
    assert not any("s3cret" in path.read_text() for path in (fleet.folder / "a").rglob("*") if path.is_file())


def test_the_proxies_of_the_users_docker_settings_stay_out(fleet, monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpProxy": "http://user:s3cret@proxy:1"}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    status = fleet.ready(fleet.engine())
    assert "s3cret" not in str(fleet.look(status, "import os; result = dict(os.environ)"))


def test_without_internet_there_is_no_way_out_and_none_to_this_host(fleet, engine, closed, listening):
    everywhere, loopback = listening("0.0.0.0"), listening("127.0.0.1")
    assert fleet.look(closed, reach(gateway_of(engine, closed), everywhere)) == "nothing"
    assert fleet.look(closed, reach(own_address(), everywhere)) == "nothing"
    assert fleet.look(closed, reach(gateway_of(engine, closed), loopback)) == "nothing"


def test_without_internet_there_is_no_way_out(fleet, closed, opened, outside):
    assert fleet.look(opened, reach(*outside)) == "hello"
    assert fleet.look(closed, reach(*outside)) == "nothing"


@pytest.fixture
def outside():
    """The address and port of a server that is beyond this host: in a network of its own, which the host leads to."""
    name, link, address = "cld-outside", "cld-out", "198.18.77.2"
    commands = [
        f"ip netns add {name}",
        f"ip link add {link} type veth peer name eth0 netns {name}",
        f"ip addr add 198.18.77.1/30 dev {link}",
        f"ip link set {link} up",
        f"ip -n {name} addr add {address}/30 dev eth0",
        f"ip -n {name} link set eth0 up",
    ]
    for command in commands:
        subprocess.run(command.split(), check=True)
    server = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, "-c", SERVER, address], stdout=subprocess.PIPE)
    server.stdout.readline()
    yield address, 7777
    server.kill()
    server.wait()
    server.stdout.close()
    subprocess.run(["ip", "netns", "del", name], check=True)


SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], 7777)) as server:
    print("listening", flush=True)
    while True:
        with server.accept()[0] as connection:
            connection.sendall(b"hello")
"""


def test_without_internet_no_name_is_looked_up_outside(fleet, closed):
    code = """
import socket, time
began = time.monotonic()
try:
    result = socket.getaddrinfo("deb.debian.org", 80)
except OSError:
    result = time.monotonic() - began
"""
    assert fleet.look(closed, code) < 2


def test_with_internet_it_reaches_out(fleet, opened, listening):
    assert fleet.look(opened, reach(own_address(), listening("0.0.0.0"))) == "hello"


def test_the_metadata_service_is_out_of_reach(fleet, engine, opened, closed, metadata):
    with socket.create_connection((METADATA, metadata), timeout=1) as connection:
        assert connection.recv(5) == b"hello"
    assert fleet.look(opened, reach(METADATA, metadata)) == "nothing"
    assert fleet.look(closed, reach(METADATA, metadata)) == "nothing"


def test_the_metadata_service_would_be_in_reach_without_our_rule(fleet, opened, metadata):
    table, chain, *match = firewall._NO_METADATA[0]
    subprocess.run(["iptables", "-w", "10", "-t", table, "-D", chain, *match], check=True)
    try:
        assert fleet.look(opened, reach(METADATA, metadata)) == "hello"
    finally:
        firewall.Firewall(LocalHost()).protect(internet=True)
    assert fleet.look(opened, reach(METADATA, metadata)) == "nothing"


def test_rules_are_added_once(fleet, opened):
    firewall.Firewall(LocalHost()).protect(internet=True)
    rules = subprocess.run(["iptables", "-w", "10", "-t", "raw", "-S"], check=True, capture_output=True, text=True).stdout
    assert rules.count("-d 169.254.0.0/16 -i cldo-+") == 1


def test_who_may_not_set_rules_is_told_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for internet in (True, False):
        with pytest.raises(EngineError, match="run the controller as root"):
            firewall.Firewall(LocalHost()).protect(internet)


@pytest.mark.parametrize("internet", [True, False])
def test_replicas_do_not_reach_each_other(fleet, engine, internet):
    one, other = fleet.ready(engine, internet=internet), fleet.ready(engine, internet=internet)
    host, port = other.address.removeprefix("http://").split(":")
    assert fleet.call(other, "result = 1") == (200, "[1]")
    assert fleet.look(one, reach(host, int(port))) == "nothing"


def test_replicas_of_two_kinds_of_networks_do_not_reach_each_other(fleet, closed, opened):
    for one, other in ((closed, opened), (opened, closed)):
        host, port = other.address.removeprefix("http://").split(":")
        assert fleet.look(one, reach(host, int(port))) == "nothing"


def test_an_image_that_names_a_plain_user_runs_as_it_and_one_that_names_root_does_not(fleet, engine, image):
    for user, found in (("1234:1234", "1234"), ("0", "65534"), ("root:root", "65534")):
        status = fleet.ready(engine, image=image(f"USER {user}", "WORKDIR /tmp", "CMD exec python3 -m http.server $PORT"))
        process = engine._client.top(status.handle, ps_args="-eo user:20,uid,pid")
        column = process["Titles"].index("UID")
        assert {line[column] for line in process["Processes"]} == {found}
