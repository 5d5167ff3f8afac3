"""Instruments: bytes in, events out."""
