"""Runs the migrations on the connection that `Database` hands over."""

from alembic import context
from sqlalchemy import text

from cloudlayer.fleet.store.schema import metadata

connection = context.config.attributes["connection"]
sqlite = connection.dialect.name == "sqlite"
if sqlite:
    # Of two processes that open a new store at once, the second waits here and then finds it done.
    connection.execute(text("BEGIN IMMEDIATE"))
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
connection.commit()
