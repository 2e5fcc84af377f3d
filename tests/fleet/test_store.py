"""The store keeps what it is told, and its log cannot be rewritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import IntegrityError

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import Database, Event, Lease, Store, migrations, writes
from cloudlayer.fleet.store.schema import metadata
from cloudlayer.interfaces import SystemClock

KIND = {"name": "big", "cpu": 4.0, "memory": 1 << 34, "architecture": "x86_64", "accelerators": [], "disk": None}
OFFER = {"provider": "cloud", "region": "east", "zone": "a", "purchase": "spot", "reservation": None, "price": None}
OLD_MACHINE = (
    "fleet",
    "m1",
    "batch",
    0,
    "cloud:east",
    json.dumps(OFFER | {"machine_type": KIND}),
    "{}",
    "running",
    *"iar",
    1,
    1,
    1,
)
"""A row of the first form of the table: no column says whether the machine is being emptied."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def store(home: Home) -> Store:
    return Store(Database(home.store_url))


def test_the_migrations_lead_to_the_tables_that_the_code_uses(store: Store) -> None:
    with store.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_an_older_form_is_brought_up_to_date_with_what_is_in_it(home: Home) -> None:
    engine = create_engine(home.store_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO meta VALUES ('owner', 'an owner of long ago')"))
        connection.execute(text(f"INSERT INTO machines VALUES {OLD_MACHINE}"))
        connection.commit()
    engine.dispose()
    store = Store(Database(home.store_url))
    assert store.owner == "an owner of long ago"
    assert store.things("-") == []
    (machine,) = store.read("fleet").machines
    assert (machine.id, machine.emptying) == ("m1", None)


def test_how_replicas_ended_is_counted_without_a_look_at_their_rows(store: Store) -> None:
    """A scraper asks again and again, and the history of a fleet only grows."""
    asked: list[tuple[str, Any]] = []

    def heard(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", heard)
    store.outcomes("fleet")
    event.remove(store.database.engine, "before_cursor_execute", heard)
    ((statement, parameters),) = [each for each in asked if "replicas" in each[0]]
    with store.database.engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert [step[-1] for step in steps] == ["SEARCH replicas USING COVERING INDEX replicas_outcomes (fleet=?)"]


def test_the_owner_is_made_once(home: Home, store: Store, tmp_path: Path) -> None:
    assert Store(Database(home.store_url)).owner == store.owner
    other = Home(tmp_path / "other")
    other.prepare()
    assert Store(Database(other.store_url)).owner != store.owner


@pytest.mark.parametrize("change", ["UPDATE events SET message = 'other'", "DELETE FROM events"])
def test_the_event_log_cannot_be_rewritten(home: Home, store: Store, change: str) -> None:
    lease = Lease(store.database, "f", home.locks, SystemClock())
    lease.acquire("test")
    with lease.write() as connection:
        writes.add_event(connection, Event(0, "f", 1.0, "note", "it", "as it was"))
    with pytest.raises(IntegrityError, match="append-only"), store.database.write() as connection:
        connection.execute(text(change))
    assert [event.message for event in store.events("f")] == ["as it was"]


def test_a_change_that_was_made_on_old_knowledge_is_refused(store: Store) -> None:
    assert store.want("f", {"one": 1}, after=0, now=0.0) == 1
    with pytest.raises(CloudLayerError, match="changed by somebody else"):
        store.want("f", {"two": 2}, after=0, now=0.0)
    assert store.desired("f").document == {"one": 1}


def test_the_home_is_its_owners_alone_and_holds_no_key(home: Home, store: Store) -> None:
    store.put_key("first", home.hash("a very secret key"), 0.0)
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert (home.path / "pepper").stat().st_mode & 0o777 == 0o600
    store.close()
    for path in home.path.rglob("*"):
        assert path.is_dir() or b"a very secret key" not in path.read_bytes()
        assert path.is_dir() or path.name == "pepper" or home.pepper().hex().encode() not in path.read_bytes()


def test_a_write_that_raises_changes_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.database.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('half', 'done')"))
        raise RuntimeError
    with store.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM meta WHERE name = 'half'")).scalar() == 0
