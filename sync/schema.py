"""The record's tables, in the words of either database.

`rival` is "" for the first content of a message id, and the signer's key id for another signer's under the same id.
"""

from __future__ import annotations

from sync.database import Dialect

_TABLES = """
CREATE TABLE IF NOT EXISTS content (
    id {serial}, mid {blob} NOT NULL, src {blob} NOT NULL, seq BIGINT NOT NULL, content_type TEXT NOT NULL,
    hash {blob} NOT NULL, content {blob} NOT NULL, prot {blob} NOT NULL, signatures {blob} NOT NULL,
    received_ms BIGINT NOT NULL, rival TEXT NOT NULL DEFAULT '', UNIQUE (mid, rival)
);
CREATE TABLE IF NOT EXISTS sequence (
    src {blob} NOT NULL, seq BIGINT NOT NULL, mid {blob} NOT NULL, prev {blob} NOT NULL, prot_hash {blob} NOT NULL,
    audit_count BIGINT NOT NULL, audit_hash {blob} NOT NULL, PRIMARY KEY (src, seq)
);
CREATE TABLE IF NOT EXISTS sender (src {blob} PRIMARY KEY, client TEXT NOT NULL, highest BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS gap (
    src {blob} NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (src, first)
);
CREATE TABLE IF NOT EXISTS audit_head (client TEXT PRIMARY KEY, count BIGINT NOT NULL, hash {blob} NOT NULL);
CREATE TABLE IF NOT EXISTS alarm (
    id {serial}, src {blob} NOT NULL, kind TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL,
    detail TEXT NOT NULL, seen_ms BIGINT NOT NULL, closed_ms BIGINT, UNIQUE (src, kind, first, last)
);
CREATE TABLE IF NOT EXISTS receipt (
    id {serial}, client TEXT NOT NULL, mid {blob} NOT NULL, hash {blob} NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, created_ms BIGINT NOT NULL, src {blob} NOT NULL, highest BIGINT NOT NULL,
    UNIQUE (client, mid)
);
CREATE TABLE IF NOT EXISTS quarantine (
    id {serial}, hash {blob} NOT NULL UNIQUE, client TEXT NOT NULL, mid {blob}, reason TEXT NOT NULL,
    received_ms BIGINT NOT NULL, size BIGINT NOT NULL, envelope {blob}
);
CREATE TABLE IF NOT EXISTS parcel (
    id {serial}, client TEXT NOT NULL, mid {blob} NOT NULL, hash {blob} NOT NULL, count BIGINT NOT NULL,
    size BIGINT NOT NULL, UNIQUE (client, mid, hash, count)
);
CREATE TABLE IF NOT EXISTS part (
    parcel BIGINT NOT NULL REFERENCES parcel (id) ON DELETE CASCADE, place BIGINT NOT NULL, data {blob} NOT NULL,
    PRIMARY KEY (parcel, place)
);
CREATE TABLE IF NOT EXISTS post (
    id {serial}, client TEXT NOT NULL, mid {blob} NOT NULL UNIQUE, seq BIGINT NOT NULL, hash {blob} NOT NULL,
    envelope {blob} NOT NULL, attempts BIGINT NOT NULL, sent_ms BIGINT NOT NULL, due_ms BIGINT, status TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS post_due ON post (due_ms) WHERE due_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS bundle (
    content BIGINT PRIMARY KEY REFERENCES content (id), attempts BIGINT NOT NULL, due_ms BIGINT
);
CREATE INDEX IF NOT EXISTS bundle_due ON bundle (due_ms) WHERE due_ms IS NOT NULL;
"""


def tables(dialect: Dialect) -> str:
    """The statements that make what is not there yet."""
    return _TABLES.format(serial=dialect.serial, blob=dialect.blob)
