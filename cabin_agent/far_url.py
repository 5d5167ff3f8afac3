"""Addresses in the health-data centre: the record's database, and a FHIR server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from cabin_agent.broker_url import loopback

STORES = (
    'a path in quotes, or "postgresql://user@host/database" without a password in it '
    "(it is found in the file that PGPASSFILE names)"
)
FHIR_BASES = '"https://host/base", or "http://127.0.0.1:8080/base" on this machine, without a user name in it'


def store(folder: Path, text: str) -> Path | str:
    """The record: a file, relative to `folder`, or the URL of a PostgreSQL database; raises `ValueError`."""
    if not text.strip():
        raise ValueError("nothing is named")
    if "://" not in text:
        return folder / text
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres") or parts.password or "password=" in parts.query:
        raise ValueError("not a database")
    return text


def fhir_base(url: str) -> str:
    """The base address of a FHIR server, "" for none; in the clear on this machine alone; raises `ValueError`."""
    parts = urlsplit(url)
    if not url:
        return url
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ValueError("not a FHIR server")
    if parts.scheme == "http":
        loopback(parts.hostname)
    return url.rstrip("/")
