"""Delivery: content, sealed, durable, far; and the gateway at the far end."""
