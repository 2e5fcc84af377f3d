"""Since when a machine is being emptied."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no machine is being emptied yet."""
    op.add_column("machines", sa.Column("emptying", sa.Float, nullable=True))
