"""Credentials

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import syncd.ledger.types


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('credential',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('connected_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('refreshed_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('leased_by', sa.String(), nullable=False),
    sa.Column('leased_until', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('brand', 'connection', 'name', name=op.f('pk_credential'))
    )
    op.create_table('pending_authorization',
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('begun_by', sa.String(), nullable=False),
    sa.Column('expires_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('state', name=op.f('pk_pending_authorization'))
    )


def downgrade() -> None:
    op.drop_table('pending_authorization')
    op.drop_table('credential')
