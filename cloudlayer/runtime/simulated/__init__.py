"""The simulated engine, and the world that it shares with the simulated cloud.

    simulation = Simulation("world.json", clock="virtual")      # or Simulation() in memory
    engine = SimulatedEngine(simulation, machine_id)

`connect` is the plug-in: a machine's folder is either a world's file, in which the machine was bought, or a directory in
which a world of its own is made, with the machine always running and time as it is.
"""

from __future__ import annotations

from cloudlayer.interfaces import Engine, MachineContext
from cloudlayer.runtime.simulated.engine import SimulatedEngine
from cloudlayer.runtime.simulated.faults import Fault
from cloudlayer.runtime.simulated.records import Settings
from cloudlayer.runtime.simulated.simulation import Simulation, VirtualClock

__all__ = ["Fault", "Settings", "SimulatedEngine", "Simulation", "VirtualClock", "connect"]


def connect(machine: MachineContext) -> Engine:
    """The simulated engine on a machine."""
    if machine.folder.is_file():
        return SimulatedEngine(Simulation(machine.folder), machine.id)
    simulation = Simulation(machine.folder / "world.json", clock="real")
    with simulation.store.transaction() as document:
        if machine.id not in document["hosts"]:
            document["hosts"].append(machine.id)
    return SimulatedEngine(simulation, machine.id)
