"""Where the MIG instances of replicas lie on their devices."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no replica has one yet."""
    op.add_column("replicas", sa.Column("slices", sa.JSON, nullable=False, server_default="[]"))
