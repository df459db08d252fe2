"""A lease: of several processes on one database, one does the work that only one may do."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its one row, which nobody holds."""
    lease = op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("renewals", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    free = {"name": "background", "holder": "", "token": 0, "renewals": 0, "seconds": 0}
    op.bulk_insert(lease, [free])


def downgrade() -> None:
    """Drop it; the releases before do not know of each other."""
    op.drop_table("lease")
