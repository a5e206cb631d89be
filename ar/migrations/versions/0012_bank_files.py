"""Bank accounts without an IBAN; entries that banks split into lines; what a statement's balances miss; indexes."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bank_account", sa.Column("is_iban", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("bank_statement", sa.Column("difference_minor", BigId, nullable=True))
    op.create_index("ix_bank_statement_account", "bank_statement", ["bank_account_id", "id"])
    op.add_column("bank_line", sa.Column("entry", sa.String(length=64), server_default="", nullable=False))
    op.create_index("ix_bank_line_entry", "bank_line", ["bank_account_id", "entry"])
    op.create_index("ix_bank_line_day", "bank_line", ["booked_on", "id"])
    op.create_index("ix_bank_line_state", "bank_line", ["state", "booked_on", "id"])
    op.create_index("ix_bank_line_account_state", "bank_line", ["bank_account_id", "state", "booked_on", "id"])
