"""The controller's process: holds the lease, hears what the gateway carries, and lets the reconciler step.

`python -m cloudlayer.fleet.controller --fleet NAME --url URL` runs until SIGTERM or SIGINT; then the replicas on this host end.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from cloudlayer.errors import CloudLayerError, LeaseLost, TransientError
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.calling import Calling
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.figures import Figures
from cloudlayer.fleet.gateways import Gateways
from cloudlayer.fleet.health import ASKERS, ROUND_EVERY, Patrol
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.jobs import THREADS
from cloudlayer.fleet.needs import Needs
from cloudlayer.fleet.observe import LOOKERS, Observation
from cloudlayer.fleet.prefetch import Prefetch
from cloudlayer.fleet.publisher import Publisher
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.routes import Lost
from cloudlayer.fleet.store import LOST, TTL, Database, Lease, Store
from cloudlayer.fleet.tidying import FIRST_ROUND, TIDY_EVERY, Tidying
from cloudlayer.interfaces import SystemClock

LOOK_EVERY: Final = 5.0
"""Seconds between two looks at what the providers and engines have."""
LOOK_AGAIN: Final = 1.0
"""The same while a machine does not answer."""
STEP_EVERY: Final = 1.0
"""Seconds after which a step is due though nothing was heard: desired changes, idle times and pauses end."""
STOP_SECONDS: Final = 30.0
"""How long the replicas of this host get to end when the controller does."""

_log = logging.getLogger(__name__)


class Controller:
    """One fleet's controller, for the life of its process."""

    def __init__(self, home: Home, fleet: str, url: str) -> None:
        self._clock = SystemClock()
        self._fleet = fleet
        self._home = home
        self._store = Store(Database(home.store_url))
        self._lease = Lease(self._store.database, fleet, home.locks, self._clock)
        self._woken = threading.Event()
        self._clouds = Clouds(clock=self._clock, home=home, changed=self._reachable, serves=True)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        # Looks have threads of their own, and one to wait for them: work that takes minutes must not make the fleet blind.
        self._lookers = ThreadPoolExecutor(LOOKERS + 1, thread_name_prefix="look")
        self._stopping = threading.Event()
        self._publisher = Publisher(self._store, home, fleet, cut=self._clouds.unreachable)
        where = Surroundings(home, self._store.owner, fleet, url)
        actor = Actor(self._lease, self._clouds, where, self._clock, self._publisher.publish)
        self._prefetch = Prefetch(home.sources(), self._store.owner)
        self._reconciler = Reconciler(
            self._store,
            self._lease,
            self._clouds,
            actor,
            executor=self._executor,
            clock=self._clock,
            lookers=self._lookers,
            wake=self._woken.set,
            prefetch=self._prefetch,
        )
        self._needs = Needs(self._clock)
        self._calling = Calling(self._clock)
        self._looking: Future[Observation] | None = None
        self._look_due = 0.0

    def run(self) -> None:
        """Act for the fleet until told to stop. Raises LeaseLost when another controller took over."""
        self._lease.acquire(f"controller {os.getpid()} on {socket.gethostname()}")
        threading.Thread(target=self._renew, name="lease", daemon=True).start()
        threading.Thread(target=self._patrol, name="health", daemon=True).start()
        threading.Thread(target=self._tidy, name="tidying", daemon=True).start()
        figures = Figures(self._store, self._clouds, self._fleet)
        gateways = Gateways(self._home.controller_socket(self._fleet), self._woken.set, self._lost, figures.text)
        self._publisher.gateways = gateways
        try:
            while not self._stopping.is_set():
                self._step(gateways)
                self._woken.wait(STEP_EVERY)
                self._woken.clear()
            self._end_replicas()
        finally:
            gateways.close()
            self._prefetch.close()
            self._clouds.close()
            self._lease.release()

    def stop(self) -> None:
        """Make `run` end soon. May be called from a signal handler."""
        self._stopping.set()
        self._woken.set()

    def _step(self, gateways: Gateways) -> None:
        loads, calls, heard = gateways.loads(), gateways.calls(), gateways.heard
        idle = {key: 0.0 if load.in_flight or load.waiting else load.idle for key, load in loads.items()}
        if not heard:
            # None counts as idle before a gateway has told.
            idle = {row.key: 0.0 for row in self._store.read(self._fleet).replicas}
        step = self._reconciler.step(
            self._seen(),
            wanted=lambda desired, rows: self._needs.wanted(desired, rows, loads, heard=heard),
            traffic=lambda desired, rows: self._calling.traffic(desired, rows, calls),
            drained=gateways.drained,
            idle=idle,
        )
        self._publisher.failing = self._reconciler.failing
        self._publisher.publish()
        for loss in step.decision.losses:
            for replica in loss.replicas:
                self._publisher.tell(replica, LOST, f"its machine was lost: {loss.why}")

    def _reachable(self) -> None:
        """A machine is cut off, or is back: calls go elsewhere at once, or there again; the next step sees to the rest."""
        self._publisher.publish()
        self._woken.set()

    def _seen(self) -> Observation | None:
        """A look that has ended since the last step. The next one begins some seconds later, on a thread of its own."""
        now = self._clock.monotonic()
        if self._looking is None:
            if now >= self._look_due:
                self._looking = self._lookers.submit(self._reconciler.look)
                self._looking.add_done_callback(lambda _: self._woken.set())
            return None
        if not self._looking.done():
            return None
        seen, self._looking = self._looking.result(), None
        self._look_due = now + (LOOK_AGAIN if seen.silent else LOOK_EVERY)
        return seen

    def _lost(self, lost: Lost) -> None:
        """A gateway lost a replica: find out what became of it, without holding up the line it was heard on."""
        work = self._abandon if lost.stuck else self._inspect
        self._executor.submit(work, lost.replica)

    def _abandon(self, replica: str) -> None:
        self._reconciler.abandon(replica, "it overran the time of a call and was still at work on it")
        self._publisher.publish(always=True)

    def _inspect(self, replica: str) -> None:
        # Its machine may be cut off: then that is seen by itself, and until then no route leads there.
        with contextlib.suppress(TransientError):
            self._reconciler.inspect(replica, self._publisher.tell)
        # Even if nothing changed: the gateway leaves the replica out until it hears a newer snapshot.
        self._publisher.publish(always=True)

    def _patrol(self) -> None:
        """Ask ready replicas for their health. One whose machine is cut off is not to blame for its silence."""
        patrol = Patrol(self._ail)
        # Threads of its own: replicas that hang must not hold up the looks.
        askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="health")
        while not self._stopping.wait(ROUND_EVERY):
            try:
                cut = self._clouds.unreachable()
                rows = self._store.read(self._fleet).replicas
                patrol.round([row for row in rows if row.machine not in cut], askers)
            except Exception:  # Whatever went wrong this time, the next round begins.
                _log.exception("a round of health checks broke off")

    def _tidy(self) -> None:
        """Remove models that are of no use any more, again and again."""
        tidying, pause = Tidying(self._store, self._clouds, self._home, self._fleet), FIRST_ROUND
        while not self._stopping.wait(pause):
            pause = TIDY_EVERY
            try:
                tidying.round()
            except Exception:  # Whatever went wrong this time, the next round begins.
                _log.exception("unused models could not be looked for")

    def _ail(self, replica: str, why: str) -> None:
        with contextlib.suppress(LeaseLost):
            self._reconciler.abandon(replica, why)
            self._publisher.publish(always=True)

    def _renew(self) -> None:
        while not self._stopping.wait(TTL / 4):
            try:
                self._lease.renew()
            except LeaseLost:
                self._woken.set()  # the next write of a step finds out, and ends the process
                return

    def _end_replicas(self) -> None:
        """Replicas on machines that are of no use without a controller end with it; bought machines run on."""
        self._clouds.cancel()
        deadline = self._clouds.deadline(STOP_SECONDS)
        while self._reconciler.end_replicas() and deadline.remaining() > 0:
            self._woken.wait(0.2)
            self._woken.clear()


def main() -> int:
    """Run a controller; 0 after a stop, 75 when another one has the fleet, 1 after an error that is told on stderr."""
    parser = argparse.ArgumentParser(prog="python -m cloudlayer.fleet.controller")
    parser.add_argument("--fleet", required=True)
    parser.add_argument("--url", required=True, help="where the gateway serves, for functions that call others")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    controller = Controller(Home.from_environment(), options.fleet, options.url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: controller.stop())
    try:
        controller.run()
    except LeaseLost as error:
        _log.error("%s", error)
        return 75
    except CloudLayerError as error:
        _log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads that still wait for a call must not hold up the end
