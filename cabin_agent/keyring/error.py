"""Why an action on keys cannot be done."""

from __future__ import annotations


class KeyringError(Exception):
    """One sentence: what is wrong, and what to do."""
