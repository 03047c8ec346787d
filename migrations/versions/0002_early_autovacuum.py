"""Let PostgreSQL vacuum the busy tables early, so that claiming rows stays fast.

Their rows change often and leave dead versions behind, which a claim has to skip. By default a
table is vacuumed once a fifth of it is dead, which is far too late for a million messages. Free
space on each page lets an updated row stay on its page, without a new entry in every index.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

#: Percentage of a page that inserts fill. Leases are few, and written with every batch of calls.
FILLFACTOR = {"messages": 80, "agenda": 80, "sender_leases": 50}
EARLY = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_analyze_threshold": "500",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    early = ", ".join(f"{name} = {value}" for name, value in EARLY.items())
    for table, fillfactor in FILLFACTOR.items():
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {fillfactor}, {early})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    names = ", ".join(["fillfactor", *EARLY])
    for table in FILLFACTOR:
        op.execute(f"ALTER TABLE {table} RESET ({names})")
