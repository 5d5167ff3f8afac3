"""A real mosquitto that is killed and comes back on the same port, each time perhaps with other manners."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

MANNERS = {
    "forgetful": "persistence false\n",
    "keeping": "persistence true\npersistence_location {store}/\nautosave_on_changes true\nautosave_interval 20\n",
    "denying": "persistence false\nacl_file {acl}\n",
    "narrow": "persistence false\nmax_packet_size 9000\n",
    "strict": "persistence false\nmessage_size_limit 9000\n",
}
"""What it keeps over a kill, and what it refuses.

"denying" says yes to letters and lets them fall; "narrow" says under MQTT 5 how much it takes, so that letters come
in parts; "strict" does not, and refuses what is larger.
"""
_ACL = "topic read #\ntopic write dmst/v1/down/#\ntopic write cabin/#\n"
"""Nobody may write to the record: under MQTT 3.1.1 the refused publisher hears "success" all the same."""
_LISTEN = "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\nlog_type none\n"


class Mosquitto:
    """One broker process and its folder."""

    def __init__(self, port: int, store: Path) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            raise FileNotFoundError("mosquitto is not installed: apt-get install mosquitto")
        self._program, self._port, self._store = program, port, store
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, manner: str) -> int:
        """Start with the manners of that name; the process id. It listens some milliseconds later."""
        acl, config = self._store / "acl", self._store / "mosquitto.conf"
        acl.write_text(_ACL)
        acl.chmod(0o600)
        config.write_text((_LISTEN + MANNERS[manner]).format(port=self._port, store=self._store, acl=acl))
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([self._program, "-c", str(config)], stdout=quiet, stderr=quiet)
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()
