"""The store's tables. Times are seconds since 1970; documents are JSON.

Changing a table means a new file in `migrations/versions`; a test holds the two against each other.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

HEAD: Final = "0007"
"""The newest migration."""

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))

leases = Table(
    "leases",
    metadata,
    Column("fleet", String(64), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
)

fleets = Table(
    "fleets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("document", JSON, nullable=True),
    Column("updated_at", Float, nullable=False),
)

machines = Table(
    "machines",
    metadata,
    Column("fleet", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("batch", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("provider", String(128), nullable=False),
    Column("offer", JSON, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("instance", String(256), nullable=True),
    Column("address", Text, nullable=True),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("idle_since", Float, nullable=True),
    Column("emptying", Float, nullable=True),
    Column("unreachable", Float, nullable=True),
    Column("cordoned", Boolean, nullable=False, server_default=false()),
    Column("ends_at", Float, nullable=True),
)

things = Table(
    "things",
    metadata,
    Column("fleet", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("provider", String(128), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("token", String(36), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("native", String(512), nullable=True),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    UniqueConstraint("token", name="things_token"),
)

replicas = Table(
    "replicas",
    metadata,
    Column("fleet", String(64), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("function", String(256), nullable=False),
    Column("version", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("machine", String(64), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("devices", JSON, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("address", Text, nullable=True),
    Column("handle", Text, nullable=True),
    Column("exit", String(32), nullable=True),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("slices", JSON, nullable=False, server_default="[]"),
    Column("gang", String(36), nullable=True),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("inner_address", Text, nullable=True),
    Index("replicas_outcomes", "fleet", "function", "version", "state", "exit"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("fleet", String(64), primary_key=True),
    Column("machine", String(64), primary_key=True),
    Column("instance", String(256), nullable=False),
    Column("provider", String(128), nullable=False),
    Column("machine_type", String(128), nullable=False),
    Column("purchase", String(16), nullable=False),
    Column("price", Float, nullable=True),
    Column("currency", String(3), nullable=True),
    Column("source", Text, nullable=False),
    Column("as_of", String(10), nullable=True),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float, nullable=True),
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("fleet", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("message", Text, nullable=False),
    Index("events_fleet", "fleet", "number"),
)

avoids = Table(
    "avoids",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("fleet", String(64), nullable=False),
    Column("provider", String(128), nullable=False),
    Column("region", String(64), nullable=True),
    Column("zone", String(64), nullable=True),
    Column("machine_type", String(128), nullable=True),
    Column("purchase", String(16), nullable=True),
    Column("until", Float, nullable=False),
    Column("reason", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("hash", name="keys_hash"),
)
