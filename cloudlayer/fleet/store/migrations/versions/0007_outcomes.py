"""How the replicas of each version ended, without a look at each of them."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("replicas_outcomes", "replicas", ["fleet", "function", "version", "state", "exit"])
