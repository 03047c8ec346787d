"""PostgreSQL cleans up after the busy tables early: what is claimed stays quick to find.

Their rows change often and leave dead ones behind, which a claim has to pass over. By default a
table is cleaned once a fifth of it is dead; with a million messages that is far too late. Free
room on each page lets a changed row stay where it is, without a new entry in every index.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

#: Percent of a page that inserts fill. Lanes are few, and written with every turn of sending.
FILLFACTOR = {"messages": 80, "agenda": 80, "lanes": 50}
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
