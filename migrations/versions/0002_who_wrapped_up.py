"""Who wrote the wrap-up: a private line is signed by its writer, a lead or an admin."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("phases", sa.Column("wrapped_up_by", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("phases", "wrapped_up_by")
