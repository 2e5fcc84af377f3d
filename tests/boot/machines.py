"""A machine that boots a tree of dev/boot/image.sh in systemd-nspawn: bare, with systemd, cloud-init and sshd of its own."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "clboot"
HERE, ADDRESS, PREFIX = "10.239.77.1", "10.239.77.2", 30


@dataclass
class BootedMachine:
    """One that runs: its process, its folder, and what it wrote to its console."""

    process: subprocess.Popen
    folder: Path
    console: Path

    def ended(self, within):
        """Whether it shut itself down within so many seconds."""
        try:
            self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return False
        return "Powering off" in self.console.read_text(errors="replace")

    def remove(self):
        """End it, as pulling the plug does, and remove what it wrote."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with suppress(OSError):
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.process.wait(timeout=30)
        subprocess.run(["umount", self.folder / "root"], check=True)
        shutil.rmtree(self.folder)


def start(tree, folder, user_data):
    """Start one from the tree, with that user data. Nothing of it is in the tree afterwards."""
    upper, work, root, engine = (folder / name for name in ("upper", "work", "root", "engine"))
    for one in (upper, work, root, engine / "docker", engine / "containerd"):
        one.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={tree},upperdir={upper},workdir={work}", root], check=True
    )
    seed = root / "var/lib/cloud/seed/nocloud"
    seed.mkdir(parents=True)
    (seed / "user-data").write_text(user_data)
    (seed / "meta-data").write_text("instance-id: booted\nlocal-hostname: booted\n")
    card = f"[Match]\nName=host0\n[Network]\nAddress={ADDRESS}/{PREFIX}\nGateway={HERE}\n"
    (root / "etc/systemd/network/05-host0.network").write_text(card)
    console = folder / "console"
    process = subprocess.Popen(
        [
            *("systemd-nspawn", "--quiet", "-D", root, "--boot", "--register=no", "--keep-unit", f"--machine={NAME}"),
            *("--network-veth", "--capability=all", "--console=passive"),
            # The engine layers file systems itself, which cannot lie on one that is layered already.
            *(f"--bind={engine / 'docker'}:/var/lib/docker", f"--bind={engine / 'containerd'}:/var/lib/containerd"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=console.open("wb"),
        stderr=subprocess.STDOUT,
        env={**os.environ, "SYSTEMD_SECCOMP": "0"},
        start_new_session=True,
    )
    return BootedMachine(process, folder, console)


def connect():
    """Give this end of its network cable an address, once it is there. Whether it is."""
    cable = f"ve-{NAME}"
    if not Path(f"/sys/class/net/{cable}").exists():
        return False
    subprocess.run(["ip", "addr", "replace", f"{HERE}/{PREFIX}", "dev", cable], check=True)
    subprocess.run(["ip", "link", "set", cable, "up"], check=True)
    return True
