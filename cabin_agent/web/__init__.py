"""The local API of the core: HTTP and one WebSocket, on the loopback interface only; written in `docs/api.yaml`."""

from cabin_agent.web.app import make_app, serve

__all__ = ["make_app", "serve"]
