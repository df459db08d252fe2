"""How far objects of S3 have been replayed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; the previous release does not look at it."""
    op.create_table(
        "replay",
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("rejections", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_replay"),
    )


def downgrade() -> None:
    """Drop the table; what was replayed stays."""
    op.drop_table("replay")
