"""Who may act for a fleet: one controller at a time, told apart by an epoch.

Every write of the store names its epoch in the same transaction, so one that slept past its lease writes nothing. The holder
of epoch N also holds a lock on the file of epoch N while it lives: when that lock is free the holder is dead and can be
replaced at once; while it is held, the lease has to run out first. A frozen holder keeps the lock of its own epoch, never
that of its successor.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select, update

from cloudlayer.errors import LeaseLost
from cloudlayer.fleet.store import schema
from cloudlayer.fleet.store.database import Database
from cloudlayer.interfaces import Clock

TTL: Final = 60.0
"""Seconds that a lease lasts when it is not renewed."""


class Lease:
    """The right to act for one fleet. `write` is the only way to change the fleet's rows."""

    def __init__(self, database: Database, fleet: str, locks: Path, clock: Clock, ttl: float = TTL) -> None:
        self.fleet = fleet
        self.epoch = 0
        self._database = database
        self._locks = locks
        self._clock = clock
        self._ttl = ttl
        self._file: int | None = None

    def acquire(self, holder: str) -> None:
        """Take the lease, or raise LeaseLost that says who has it and until when."""
        current = self._current()
        if current is not None and not self._free(*current):
            _, other, expires = current
            rest = max(0.0, expires - self._clock.now())
            raise LeaseLost(
                f"{other} acts for fleet {self.fleet}; stop it, or wait: its lease ends in at most {rest:.0f} s if it is stuck"
            )
        epoch = (current[0] if current else 0) + 1
        file = self._lock(epoch)
        if file is None:
            raise LeaseLost(f"another controller is starting for fleet {self.fleet}; try again")
        try:
            self._take(epoch, holder)
        except BaseException:
            os.close(file)
            raise
        self.epoch, self._file = epoch, file
        if current:
            self._path(current[0]).unlink(missing_ok=True)

    def renew(self) -> None:
        """Make the lease last `ttl` seconds from now; LeaseLost if it is another's or has run out."""
        with self.write() as connection:
            table = schema.leases
            ends = self._clock.now() + self._ttl
            connection.execute(update(table).where(table.c.fleet == self.fleet).values(expires_at=ends))

    def release(self) -> None:
        """Let another have it at once."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes the store, or raises LeaseLost before it changes anything."""
        with self._database.write() as connection:
            self._check(connection)
            yield connection

    def _check(self, connection: Connection) -> None:
        table = schema.leases
        row = connection.execute(select(table.c.epoch, table.c.expires_at).where(table.c.fleet == self.fleet)).first()
        if row is None or row.epoch != self.epoch or self._file is None:
            raise LeaseLost(f"another controller acts for fleet {self.fleet} now")
        if row.expires_at <= self._clock.now():
            raise LeaseLost(f"the lease on fleet {self.fleet} ran out while this controller was stopped")

    def _current(self) -> tuple[int, str, float] | None:
        table = schema.leases
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.fleet == self.fleet)).first()
        return None if row is None else (row.epoch, row.holder, row.expires_at)

    def _free(self, epoch: int, _holder: str, expires: float) -> bool:
        if expires <= self._clock.now():
            return True
        file = self._lock(epoch)
        if file is None:
            return False
        os.close(file)
        return True

    def _take(self, epoch: int, holder: str) -> None:
        table, ends = schema.leases, self._clock.now() + self._ttl
        values = {"epoch": epoch, "holder": holder, "expires_at": ends}
        with self._database.write() as connection:
            if epoch == 1:
                known = connection.execute(select(table.c.epoch).where(table.c.fleet == self.fleet)).first()
                taken = known is not None
                if not taken:
                    connection.execute(insert(table).values(fleet=self.fleet, **values))
            else:
                mine = (table.c.fleet == self.fleet) & (table.c.epoch == epoch - 1)
                taken = connection.execute(update(table).where(mine).values(**values)).rowcount != 1
            if taken:
                raise LeaseLost(f"another controller took fleet {self.fleet} at the same moment; try again")

    def _path(self, epoch: int) -> Path:
        return self._locks / f"{self.fleet}.{epoch}.lock"

    def _lock(self, epoch: int) -> int | None:
        self._locks.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path(epoch), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file
