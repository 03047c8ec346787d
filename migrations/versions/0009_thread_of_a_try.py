"""A reply remembers the thread it was tried in, which is where it is looked for.

A version before this one leaves it empty: then it is looked for where it would be sent now.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("thread_ts", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "thread_ts")
