"""What is due is claimed in batches, in the order of an index, however much there is of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = ["workspace_id", "action", "subject"]
FRESH, AGAIN = sa.text("retry_at IS NULL"), sa.text("retry_at IS NOT NULL")


def upgrade() -> None:
    _index("ix_agenda_fresh", "due_at", FRESH)
    _index("ix_agenda_again", "retry_at", AGAIN)
    # Beside the first it would be chosen for claims, and then every tie has to be sorted.
    op.drop_index("ix_agenda_due", table_name="agenda")


def downgrade() -> None:
    op.create_index("ix_agenda_due", "agenda", ["due_at"])
    op.drop_index("ix_agenda_again", table_name="agenda")
    op.drop_index("ix_agenda_fresh", table_name="agenda")


def _index(name: str, first: str, where: sa.TextClause) -> None:
    op.create_index(name, "agenda", [first, *KEY], sqlite_where=where, postgresql_where=where)
