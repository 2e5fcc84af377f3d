"""Starting, stopping and looking at machines, those of scale sets too."""

from tests.fakes.arm.compute.capacity import refuse_full
from tests.fakes.arm.errors import Refusal
from tests.fakes.rest.server import Answer

MOVES = {
    "Start": ("starting", "running"),
    "PowerOff": ("stopping", "stopped"),
    "Deallocate": ("deallocating", "deallocated"),
    "Restart": ("running", "running"),
    "Redeploy": ("running", "running"),
    "Reimage": ("running", "running"),
}
"""By the action: how the machine stands during the operation, and after it."""

NEEDS_RUNNING = ("Restart", "Redeploy", "Reimage")


SIGNED = "sv=2018-03-28&sr=b&sp=r&sig=fake"
"""What makes an address one that needs no other credentials."""


class Power:
    """Actions on one machine of a kind."""

    def __init__(self, kind):
        self.kind = kind
        self.cloud = kind.cloud

    def handlers(self, prefix):
        """A function for each action, by the operation's id."""
        found = {f"{prefix}_{action}": lambda request, action=action: self.act(request, action) for action in MOVES}
        found[f"{prefix}_SimulateEviction"] = self.evict
        found[f"{prefix}_RetrieveBootDiagnosticsData"] = self.console
        return found

    def act(self, request, action):
        """Begin an action."""
        machine = self.kind.found(request)
        self.kind.refuse_busy(machine)
        operation = self.cloud.operations.begin(machine, *self.move(machine, action), request=request)
        return Answer(202, None, self.cloud.operations.headers(operation))

    def move(self, machine, action):
        """What ends an action, and what is left where it comes to nothing. The machine is in between from now on."""
        before = machine.private.get("power")
        if before is None or (action in NEEDS_RUNNING and before != "running"):
            raise Refusal(
                "OperationNotAllowed", f"Operation '{action}' is not allowed on VM '{machine.name}' in its present state."
            )
        between, after = MOVES[action]
        if before != after:
            machine.private["power"] = between
        machine.state = "Updating"

        def finish():
            if action == "Start" and before == "deallocated":
                refuse_full(self.cloud, machine.document.get("zones"))
            machine.private["power"], machine.state = after, "Succeeded"
            machine.private.pop("refusal", None)

        def failed(refusal):
            machine.private |= {"power": before, "refusal": refusal}
            machine.state = "Failed"

        return finish, failed

    def evict(self, request):
        """Evict a spot machine, as Azure does when its capacity is wanted elsewhere."""
        machine = self.kind.found(request)
        if not self.kind.is_spot(machine):
            raise Refusal("OperationNotAllowed", f"VM '{machine.name}' is not a spot VM.")
        self.kind.evict(machine)
        return Answer(204)

    def console(self, request):
        """Addresses of the console's log and of a screenshot, which need no other credentials."""
        machine = self.kind.found(request)
        diagnostics = self.kind.profile_of(machine).get("diagnosticsProfile", {}).get("bootDiagnostics", {})
        if not diagnostics.get("enabled"):
            raise Refusal("BadRequest", f"Boot diagnostics is not enabled for the virtual machine {machine.name}.")
        machine_id = machine.properties["vmId"]
        folder = f"bootdiagnostics-{machine_id[:8]}"
        text = f"[    0.000000] Linux version 6.5.0-azure\n{machine.name} login: \n" if machine.private.get("power") else ""
        self.cloud.blobs[f"{folder}/{machine_id}.serialconsole.log"] = text.encode()
        self.cloud.blobs[f"{folder}/{machine_id}.screenshot.bmp"] = b"BM"
        start = f"{self.cloud.url}/blobs/{folder}/{machine_id}"
        addresses = {
            "serialConsoleLogBlobUri": f"{start}.serialconsole.log?{SIGNED}",
            "consoleScreenshotBlobUri": f"{start}.screenshot.bmp?{SIGNED}",
        }
        return Answer(200, addresses)
