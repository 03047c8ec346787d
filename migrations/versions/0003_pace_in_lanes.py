"""What was used of Slack's limits stays with the lane, so the next sender goes on from there."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OPEN = sa.text("state IN ('pending','sending','unknown')")


def upgrade() -> None:
    op.add_column("lanes", sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lanes", sa.Column("pace", sa.JSON(), nullable=True))
    op.add_column("lanes", sa.Column("halted", sa.String(length=64), nullable=True))
    op.add_column("messages", sa.Column("looks", sa.Integer(), server_default="0", nullable=False))
    _index_open("workspace_id", "conversation", "message_id", "not_before")


def downgrade() -> None:
    _index_open("workspace_id", "not_before")
    op.drop_column("messages", "looks")
    for column in ("halted", "pace", "resume_at"):
        op.drop_column("lanes", column)


def _index_open(*columns: str) -> None:
    op.drop_index("ix_messages_open", table_name="messages")
    op.create_index(
        "ix_messages_open", "messages", list(columns), sqlite_where=OPEN, postgresql_where=OPEN
    )
