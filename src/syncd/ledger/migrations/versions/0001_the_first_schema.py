"""The first schema

Revision ID: 0001
Revises: 
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import syncd.ledger.types


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("work_generation")))
    op.create_table('anchor',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('chain_hash', sa.String(), nullable=False),
    sa.Column('signature', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('brand', 'position', name=op.f('pk_anchor'))
    )
    op.create_table('blob',
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('stored_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_blob'))
    )
    op.create_table('checkpoint',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('brand', 'connection', 'name', name=op.f('pk_checkpoint'))
    )
    op.create_table('connection_state',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('applied_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('paused', sa.String(), nullable=False),
    sa.Column('takedowns_pass', sa.Boolean(), nullable=False),
    sa.Column('observed_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('brand', 'connection', name=op.f('pk_connection_state'))
    )
    op.create_table('counter',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_counter'))
    )
    op.create_table('event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('data', syncd.ledger.types.Json, nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('content_hash', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('chain_hash', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event')),
    sa.UniqueConstraint('brand', 'position', name=op.f('uq_event_brand_position'))
    )
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.create_index('ix_event_brand_subject', ['brand', 'subject'], unique=False)
        batch_op.create_index('ix_event_unsealed', ['brand', 'id'], unique=False, sqlite_where=sa.text('position IS NULL'), postgresql_where=sa.text('position IS NULL'))

    op.create_table('exception',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('owner', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('remedy', sa.String(), nullable=False),
    sa.Column('payload', syncd.ledger.types.Json, nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('work_kind', sa.String(), nullable=False),
    sa.Column('work_key', sa.String(), nullable=False),
    sa.Column('opened_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('closed_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exception'))
    )
    with op.batch_alter_table('exception', schema=None) as batch_op:
        batch_op.create_index('ix_exception_work', ['brand', 'lane', 'work_kind', 'work_key'], unique=False)
        batch_op.create_index('uq_exception_open', ['brand', 'kind', 'subject'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))

    op.create_table('inbox',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('vendor_id', sa.String(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('headers', syncd.ledger.types.Json, nullable=False),
    sa.Column('received_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('taken_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox')),
    sa.UniqueConstraint('brand', 'connection', 'vendor_id', name=op.f('uq_inbox_brand_connection_vendor_id'))
    )
    op.create_table('job',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('selectors', syncd.ledger.types.Json, nullable=False),
    sa.Column('principal', sa.String(), nullable=False),
    sa.Column('idempotency_key', sa.String(), nullable=False),
    sa.Column('request_hash', sa.String(), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('floor', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ceiling', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('report', syncd.ledger.types.Json, nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('uq_job_idempotency', ['principal', 'idempotency_key'], unique=True, sqlite_where=sa.text("idempotency_key <> ''"), postgresql_where=sa.text("idempotency_key <> ''"))

    op.create_table('lane',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('owner', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('expires_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('breaker', syncd.ledger.types.Json, nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_lane')),
    sa.UniqueConstraint('brand', 'name', name=op.f('uq_lane_brand_name'))
    )
    op.create_table('license',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('basis', sa.String(), nullable=False),
    sa.Column('document', sa.String(), nullable=False),
    sa.Column('document_sha256', sa.String(), nullable=False),
    sa.Column('scope', syncd.ledger.types.Json, nullable=False),
    sa.Column('starts', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('ends', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('revoked_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_license')),
    sa.UniqueConstraint('brand', 'source', name=op.f('uq_license_brand_source'))
    )
    op.create_table('listing',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('listing', sa.String(), nullable=False),
    sa.Column('market', sa.String(), nullable=False),
    sa.Column('sku', sa.String(), nullable=False),
    sa.Column('exists', sa.Boolean(), nullable=False),
    sa.Column('gallery', syncd.ledger.types.Json, nullable=False),
    sa.Column('issues', syncd.ledger.types.Json, nullable=False),
    sa.Column('observed_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('released', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('brand', 'connection', 'listing', name=op.f('pk_listing'))
    )
    with op.batch_alter_table('listing', schema=None) as batch_op:
        batch_op.create_index('ix_listing_brand_sku', ['brand', 'sku'], unique=False)

    op.create_table('listing_name',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('listing', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('brand', 'connection', 'listing', 'field', name=op.f('pk_listing_name'))
    )
    with op.batch_alter_table('listing_name', schema=None) as batch_op:
        batch_op.create_index('ix_listing_name_value', ['brand', 'connection', 'field', 'value'], unique=False)

    op.create_table('meta',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_meta'))
    )
    op.create_table('operation',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('payload_hash', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('prepared_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('settled_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operation'))
    )
    with op.batch_alter_table('operation', schema=None) as batch_op:
        batch_op.create_index('ix_operation_lane_state', ['lane', 'state'], unique=False)

    op.create_table('person',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('mail', sa.String(), nullable=False),
    sa.Column('handle', sa.String(), nullable=False),
    sa.Column('salt', sa.String(), nullable=False),
    sa.Column('commitment', sa.String(), nullable=False),
    sa.Column('erased_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('brand', 'reference', name=op.f('uq_person_brand_reference'))
    )
    op.create_table('product',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('sku', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('gtin', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('facts', syncd.ledger.types.Json, nullable=False),
    sa.Column('observed_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('absent_since', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('brand', 'sku', name=op.f('pk_product'))
    )
    with op.batch_alter_table('product', schema=None) as batch_op:
        batch_op.create_index('ix_product_brand_gtin', ['brand', 'gtin'], unique=False)

    op.create_table('public_name',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('rendition', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('withdrawn_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_public_name'))
    )
    with op.batch_alter_table('public_name', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_public_name_sha256'), ['sha256'], unique=False)

    op.create_table('revision',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('files', syncd.ledger.types.Json, nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('activated_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('activated_by', sa.String(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_revision'))
    )
    with op.batch_alter_table('revision', schema=None) as batch_op:
        batch_op.create_index('uq_revision_active', ['active'], unique=True, sqlite_where=sa.text('active'), postgresql_where=sa.text('active'))

    op.create_table('token',
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('revoked_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_token'))
    )
    op.create_table('work',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('urgency', sa.Integer(), nullable=False),
    sa.Column('due_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('not_before', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('generation', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('claim_token', sa.String(), nullable=True),
    sa.Column('claimed_until', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('error', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work')),
    sa.UniqueConstraint('brand', 'lane', 'kind', 'key', name=op.f('uq_work_brand_lane_kind_key'))
    )
    with op.batch_alter_table('work', schema=None) as batch_op:
        batch_op.create_index('ix_work_due', ['lane', 'kind', 'urgency', 'due_at'], unique=False)

    op.create_table('consent',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('document', sa.String(), nullable=False),
    sa.Column('starts', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('ends', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('withdrawn_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_consent_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent')),
    sa.UniqueConstraint('brand', 'person_id', 'source', name=op.f('uq_consent_brand_person_id_source'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_person_id'), ['person_id'], unique=False)

    op.create_table('document',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('extension', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('published_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['sha256'], ['blob.hash'], name=op.f('fk_document_sha256')),
    sa.PrimaryKeyConstraint('brand', 'connection', 'extension', name=op.f('pk_document'))
    )
    op.create_table('operation_item',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('operation_id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('listing', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('placements', syncd.ledger.types.Json, nullable=False),
    sa.Column('result', sa.String(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['operation_id'], ['operation.id'], name=op.f('fk_operation_item_operation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operation_item'))
    )
    with op.batch_alter_table('operation_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_operation_item_operation_id'), ['operation_id'], unique=False)
        batch_op.create_index('uq_operation_item_open', ['brand', 'lane', 'listing'], unique=True, sqlite_where=sa.text("result = ''"), postgresql_where=sa.text("result = ''"))

    op.create_table('pin',
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['hash'], ['blob.hash'], name=op.f('fk_pin_hash')),
    sa.PrimaryKeyConstraint('hash', 'holder', name=op.f('pk_pin'))
    )
    op.create_table('plan',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('body', syncd.ledger.types.Json, nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('applied_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('applied_by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['revision'], ['revision.id'], name=op.f('fk_plan_revision')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan'))
    )
    op.create_table('submission',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('creator_id', sa.String(), nullable=True),
    sa.Column('brief', sa.String(), nullable=False),
    sa.Column('campaign', sa.String(), nullable=False),
    sa.Column('facts', syncd.ledger.types.Json, nullable=False),
    sa.Column('people_shown', sa.Boolean(), nullable=False),
    sa.Column('received_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('withdrawn_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('answered', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['creator_id'], ['person.id'], name=op.f('fk_submission_creator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_submission')),
    sa.UniqueConstraint('brand', 'connection', 'external_id', name=op.f('uq_submission_brand_connection_external_id'))
    )
    with op.batch_alter_table('submission', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_submission_campaign'), ['campaign'], unique=False)

    op.create_table('asset',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('submission_id', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('owner', sa.String(), nullable=False),
    sa.Column('created_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('withdrawn_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('withdrawn_because', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['submission_id'], ['submission.id'], name=op.f('fk_asset_submission_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_asset')),
    sa.UniqueConstraint('brand', 'submission_id', 'key', name=op.f('uq_asset_brand_submission_id_key'))
    )
    with op.batch_alter_table('asset', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_asset_submission_id'), ['submission_id'], unique=False)

    op.create_table('asset_consent',
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.Column('consent_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_asset_consent_asset_id')),
    sa.ForeignKeyConstraint(['consent_id'], ['consent.id'], name=op.f('fk_asset_consent_consent_id')),
    sa.PrimaryKeyConstraint('asset_id', 'consent_id', name=op.f('pk_asset_consent'))
    )
    with op.batch_alter_table('asset_consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_asset_consent_consent_id'), ['consent_id'], unique=False)

    op.create_table('asset_license',
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.Column('grant_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_asset_license_asset_id')),
    sa.ForeignKeyConstraint(['grant_id'], ['license.id'], name=op.f('fk_asset_license_grant_id')),
    sa.PrimaryKeyConstraint('asset_id', 'grant_id', name=op.f('pk_asset_license'))
    )
    with op.batch_alter_table('asset_license', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_asset_license_grant_id'), ['grant_id'], unique=False)

    op.create_table('match',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.Column('sku', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('location', sa.String(), nullable=False),
    sa.Column('product_version', sa.String(), nullable=False),
    sa.Column('explanation', syncd.ledger.types.Json, nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_match_asset_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_match'))
    )
    with op.batch_alter_table('match', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_match_asset_id'), ['asset_id'], unique=False)
        batch_op.create_index('ix_match_brand_sku', ['brand', 'sku'], unique=False)
        batch_op.create_index('uq_match_confirmed', ['asset_id', 'sku'], unique=True, sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))

    op.create_table('version',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('file_name', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('current', sa.Boolean(), nullable=False),
    sa.Column('facts', syncd.ledger.types.Json, nullable=True),
    sa.Column('received_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('approved_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_version_asset_id')),
    sa.ForeignKeyConstraint(['sha256'], ['blob.hash'], name=op.f('fk_version_sha256')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_version')),
    sa.UniqueConstraint('asset_id', 'number', name=op.f('uq_version_asset_id_number')),
    sa.UniqueConstraint('asset_id', 'sequence', name=op.f('uq_version_asset_id_sequence'))
    )
    with op.batch_alter_table('version', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_version_asset_id'), ['asset_id'], unique=False)
        batch_op.create_index('ix_version_brand_sha256', ['brand', 'sha256'], unique=False)
        batch_op.create_index('uq_version_current', ['asset_id'], unique=True, sqlite_where=sa.text('current'), postgresql_where=sa.text('current'))

    op.create_table('decision',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('comment', sa.String(), nullable=False),
    sa.Column('imported_from', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_decision_person_id')),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_decision_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision')),
    sa.UniqueConstraint('version_id', 'person_id', 'role', name=op.f('uq_decision_version_id_person_id_role'))
    )
    with op.batch_alter_table('decision', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_decision_version_id'), ['version_id'], unique=False)

    op.create_table('finding',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('spec', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('measured', sa.String(), nullable=False),
    sa.Column('limit', sa.String(), nullable=False),
    sa.Column('message', sa.String(), nullable=False),
    sa.Column('severity', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_finding_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding')),
    sa.UniqueConstraint('version_id', 'connection', 'spec', 'rule', name=op.f('uq_finding_version_id_connection_spec_rule'))
    )
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_finding_version_id'), ['version_id'], unique=False)

    op.create_table('intent',
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('targets', syncd.ledger.types.Json, nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_intent_version_id')),
    sa.PrimaryKeyConstraint('version_id', 'revision', name=op.f('pk_intent'))
    )
    op.create_table('placement',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('connection', sa.String(), nullable=False),
    sa.Column('listing', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('version_number', sa.Integer(), nullable=False),
    sa.Column('spec', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('cause', sa.String(), nullable=False),
    sa.Column('inferred', sa.Boolean(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('changed_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('live_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('removed_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('gone_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_placement_asset_id')),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_placement_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_placement'))
    )
    with op.batch_alter_table('placement', schema=None) as batch_op:
        batch_op.create_index('ix_placement_asset', ['asset_id'], unique=False)
        batch_op.create_index('ix_placement_listing', ['brand', 'connection', 'listing'], unique=False)
        batch_op.create_index('uq_placement_present', ['brand', 'connection', 'listing', 'key', 'fingerprint'], unique=True, sqlite_where=sa.text("state <> 'gone'"), postgresql_where=sa.text("state <> 'gone'"))

    op.create_table('rendition',
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('spec', sa.String(), nullable=False),
    sa.Column('revision', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('made_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_rendition_version_id')),
    sa.PrimaryKeyConstraint('brand', 'key', name=op.f('pk_rendition'))
    )
    with op.batch_alter_table('rendition', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rendition_version_id'), ['version_id'], unique=False)

    op.create_table('round',
    sa.Column('version_id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('route', syncd.ledger.types.Json, nullable=False),
    sa.Column('opened_at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('closed_at', syncd.ledger.types.Utc(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_round_version_id')),
    sa.PrimaryKeyConstraint('version_id', name=op.f('pk_round'))
    )
    op.create_table('submission_file',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('submission_id', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('facts', syncd.ledger.types.Json, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('asset_id', sa.String(), nullable=True),
    sa.Column('version_id', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['asset_id'], ['asset.id'], name=op.f('fk_submission_file_asset_id')),
    sa.ForeignKeyConstraint(['submission_id'], ['submission.id'], name=op.f('fk_submission_file_submission_id')),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_submission_file_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_submission_file')),
    sa.UniqueConstraint('submission_id', 'key', 'sequence', name=op.f('uq_submission_file_submission_id_key_sequence'))
    )
    with op.batch_alter_table('submission_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_submission_file_asset_id'), ['asset_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_submission_file_submission_id'), ['submission_id'], unique=False)

    op.create_table('receipt',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('brand', sa.String(), nullable=False),
    sa.Column('placement_id', sa.String(), nullable=False),
    sa.Column('operation_id', sa.String(), nullable=False),
    sa.Column('at', syncd.ledger.types.Utc(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('evidence', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['placement_id'], ['placement.id'], name=op.f('fk_receipt_placement_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt'))
    )
    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_receipt_placement_id'), ['placement_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_receipt_placement_id'))

    op.drop_table('receipt')
    with op.batch_alter_table('submission_file', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_submission_file_submission_id'))
        batch_op.drop_index(batch_op.f('ix_submission_file_asset_id'))

    op.drop_table('submission_file')
    op.drop_table('round')
    with op.batch_alter_table('rendition', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_rendition_version_id'))

    op.drop_table('rendition')
    with op.batch_alter_table('placement', schema=None) as batch_op:
        batch_op.drop_index('uq_placement_present', sqlite_where=sa.text("state <> 'gone'"), postgresql_where=sa.text("state <> 'gone'"))
        batch_op.drop_index('ix_placement_listing')
        batch_op.drop_index('ix_placement_asset')

    op.drop_table('placement')
    op.drop_table('intent')
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_finding_version_id'))

    op.drop_table('finding')
    with op.batch_alter_table('decision', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_decision_version_id'))

    op.drop_table('decision')
    with op.batch_alter_table('version', schema=None) as batch_op:
        batch_op.drop_index('uq_version_current', sqlite_where=sa.text('current'), postgresql_where=sa.text('current'))
        batch_op.drop_index('ix_version_brand_sha256')
        batch_op.drop_index(batch_op.f('ix_version_asset_id'))

    op.drop_table('version')
    with op.batch_alter_table('match', schema=None) as batch_op:
        batch_op.drop_index('uq_match_confirmed', sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))
        batch_op.drop_index('ix_match_brand_sku')
        batch_op.drop_index(batch_op.f('ix_match_asset_id'))

    op.drop_table('match')
    with op.batch_alter_table('asset_license', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_asset_license_grant_id'))

    op.drop_table('asset_license')
    with op.batch_alter_table('asset_consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_asset_consent_consent_id'))

    op.drop_table('asset_consent')
    with op.batch_alter_table('asset', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_asset_submission_id'))

    op.drop_table('asset')
    with op.batch_alter_table('submission', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_submission_campaign'))

    op.drop_table('submission')
    op.drop_table('plan')
    op.drop_table('pin')
    with op.batch_alter_table('operation_item', schema=None) as batch_op:
        batch_op.drop_index('uq_operation_item_open', sqlite_where=sa.text("result = ''"), postgresql_where=sa.text("result = ''"))
        batch_op.drop_index(batch_op.f('ix_operation_item_operation_id'))

    op.drop_table('operation_item')
    op.drop_table('document')
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_consent_person_id'))

    op.drop_table('consent')
    with op.batch_alter_table('work', schema=None) as batch_op:
        batch_op.drop_index('ix_work_due')

    op.drop_table('work')
    op.drop_table('token')
    with op.batch_alter_table('revision', schema=None) as batch_op:
        batch_op.drop_index('uq_revision_active', sqlite_where=sa.text('active'), postgresql_where=sa.text('active'))

    op.drop_table('revision')
    with op.batch_alter_table('public_name', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_public_name_sha256'))

    op.drop_table('public_name')
    with op.batch_alter_table('product', schema=None) as batch_op:
        batch_op.drop_index('ix_product_brand_gtin')

    op.drop_table('product')
    op.drop_table('person')
    with op.batch_alter_table('operation', schema=None) as batch_op:
        batch_op.drop_index('ix_operation_lane_state')

    op.drop_table('operation')
    op.drop_table('meta')
    with op.batch_alter_table('listing_name', schema=None) as batch_op:
        batch_op.drop_index('ix_listing_name_value')

    op.drop_table('listing_name')
    with op.batch_alter_table('listing', schema=None) as batch_op:
        batch_op.drop_index('ix_listing_brand_sku')

    op.drop_table('listing')
    op.drop_table('license')
    op.drop_table('lane')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('uq_job_idempotency', sqlite_where=sa.text("idempotency_key <> ''"), postgresql_where=sa.text("idempotency_key <> ''"))

    op.drop_table('job')
    op.drop_table('inbox')
    with op.batch_alter_table('exception', schema=None) as batch_op:
        batch_op.drop_index('uq_exception_open', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
        batch_op.drop_index('ix_exception_work')

    op.drop_table('exception')
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.drop_index('ix_event_unsealed', sqlite_where=sa.text('position IS NULL'), postgresql_where=sa.text('position IS NULL'))
        batch_op.drop_index('ix_event_brand_subject')

    op.drop_table('event')
    op.drop_table('counter')
    op.drop_table('connection_state')
    op.drop_table('checkpoint')
    op.drop_table('blob')
    op.drop_table('anchor')
    if op.get_context().dialect.name == "postgresql":
        op.execute(sa.schema.DropSequence(sa.Sequence("work_generation")))
