"""Machines that do not answer, that take no more replicas, and that their cloud takes back."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; every machine answers, as far as is known, and takes replicas."""
    op.add_column("machines", sa.Column("unreachable", sa.Float, nullable=True))
    op.add_column("machines", sa.Column("cordoned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("machines", sa.Column("ends_at", sa.Float, nullable=True))
    op.add_column("replicas", sa.Column("inner_address", sa.Text, nullable=True))
