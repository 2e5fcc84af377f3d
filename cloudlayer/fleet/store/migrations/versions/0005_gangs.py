"""Replicas that come and go together."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no replica is in a gang yet."""
    op.add_column("replicas", sa.Column("gang", sa.String(36), nullable=True))
    op.add_column("replicas", sa.Column("rank", sa.Integer, nullable=False, server_default="0"))
