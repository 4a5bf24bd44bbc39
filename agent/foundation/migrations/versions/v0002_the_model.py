"""What the language model took, and how each text of a draft came to be."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of calls; older texts keep an empty making."""
    op.create_table(
        "model_calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("reserved", sa.Boolean(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_cached", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("cost_micro", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("ix_model_calls_at", "model_calls", ["at"], unique=False)
    op.create_index("ix_model_calls_about", "model_calls", ["about"], unique=False)
    # A column is added and dropped in place on both databases: a copy of the table would lose the triggers
    # that keep its rows as they were written.
    op.add_column("draft_versions", sa.Column("making", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Back to the first schema; what the model took is forgotten, and who wrote what is only in `author`."""
    op.drop_column("draft_versions", "making")
    op.drop_index("ix_model_calls_about", table_name="model_calls")
    op.drop_index("ix_model_calls_at", table_name="model_calls")
    op.drop_table("model_calls")
