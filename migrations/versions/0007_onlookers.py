"""Newcomers of a phase's channel are told from onlookers, however late they are noticed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("phases", sa.Column("followed_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "phase_onlookers",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("phase_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phase_id"],
            ["phases.workspace_id", "phases.phase_id"],
            name=op.f("fk_phase_onlookers_workspace_id_phases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "phase_id", "user_id", name=op.f("pk_phase_onlookers")
        ),
    )


def downgrade() -> None:
    op.drop_table("phase_onlookers")
    op.drop_column("phases", "followed_since")
