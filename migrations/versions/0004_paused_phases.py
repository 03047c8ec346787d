"""A phase whose channel cannot be spoken in waits, and remembers since when and why."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("phases", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("phases", sa.Column("paused_because", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("phases", "paused_because")
    op.drop_column("phases", "paused_at")
