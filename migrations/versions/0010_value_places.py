"""Values of packed hours that are points, bit for bit, say where these lie (ADR 0039)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from migrations.columns import sqlite_places
from migrations.columns.views import views

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INTEGERS = sa.LargeBinary().with_variant(ARRAY(sa.Integer), "postgresql")
_PLACES = ("value_place", "numerator_place", "weight_place")
_NAMED = "v_values"
_ROWS = "value_rows"


def upgrade() -> None:
    for name in _PLACES:
        op.add_column("packed_value", sa.Column(name, _INTEGERS))
    op.add_column("packed_value", sa.Column("sources", sa.Text))
    if op.get_context().dialect.name == "sqlite":
        _replace_views(sqlite_places.VALUES)


def downgrade() -> None:
    """Values are stored by themselves again."""
    if op.get_context().dialect.name == "sqlite":
        if not op.get_context().as_sql:
            sqlite_places.store_values(op.get_bind())
        _replace_views(views(sqlite=True)[_ROWS])
    for name in (*_PLACES, "sources"):
        op.execute(f"ALTER TABLE packed_value DROP COLUMN {name}")


def _replace_views(rows: str) -> None:
    """On PostgreSQL nothing lies elsewhere, and views need not know."""
    for view in (_NAMED, _ROWS):
        op.execute(f"DROP VIEW {view}")
    op.execute(f"CREATE VIEW {_ROWS} AS {rows}")
    op.execute(f"CREATE VIEW {_NAMED} AS {views(sqlite=True)[_NAMED]}")
