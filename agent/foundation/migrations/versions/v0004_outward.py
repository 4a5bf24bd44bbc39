"""What goes out to the founder's own tools, and since when each of them is told what."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the ledger and its switches."""
    op.create_table(
        "outward",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("our_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=True),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.Column("leased_by", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("their_id", sa.String(), nullable=True),
        sa.Column("says", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "our_id"),
    )
    op.create_index("ix_outward_target_state", "outward", ["target", "state", "created_at"], unique=False)
    op.create_index("ix_outward_source", "outward", ["target", "kind", "source_id"], unique=False)
    op.create_index("ix_outward_account_id", "outward", ["account_id"], unique=False)
    op.create_table(
        "outward_switches",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("ready_before", sa.JSON(), nullable=False),
        sa.Column("scan_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind"),
    )


def downgrade() -> None:
    """Back to a house that tells nobody; what it told stays where it was told."""
    op.drop_table("outward_switches")
    op.drop_table("outward")
