"""What this cabin does with each kind of post. All of it is called in the uplink's thread, or at the start."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from cabin_agent.appointments import Appointment
from cabin_agent.config import Config, load_config
from cabin_agent.posts.appointment_content import decode_appointments
from cabin_agent.posts.config_content import ConfigContent, decode_config, encode_config
from cabin_agent.posts.settings import Posted
from cabin_agent.toml_table import ConfigError
from sync.postbox import Reader, Unfit
from sync.record_keys import RecordKeys
from sync.whole_file import replace_file

log = logging.getLogger(__name__)

SETTINGS = "posted-settings.cbor"
"""In the state folder: the last posted settings, as a content of their own; there is no identity in them."""


def kept_settings(state_dir: Path) -> ConfigContent | None:
    """The settings that were last posted to this cabin, None where there are none that can be read."""
    try:
        return decode_config((state_dir / SETTINGS).read_bytes())
    except (OSError, Unfit):
        return None


def config_in_force(config: Config) -> Config:
    """The settings of the file with the posted ones over them; those of the file alone where they do not fit."""
    kept = kept_settings(config.cabin.state_dir)
    if kept is None or kept.settings is None:
        return config
    try:
        return load_config(config.file, kept.settings)
    except ConfigError as error:
        log.error("the posted settings number %d are left out: %s", kept.number, error)
        return config


class ConfigReader:
    """Settings and key statements: both are judged before either has an effect."""

    def __init__(self, file: Path, state_dir: Path, keys: RecordKeys, adopt: Callable[[Config], None]) -> None:
        """`file` has the cabin's own settings; `adopt` hears of new ones, in the caller's thread."""
        self._file, self._state_dir, self._keys, self._adopt = file, state_dir, keys, adopt

    def reader(self) -> Reader:
        """For the letter box."""
        return Reader(self._number, self._take, self._apart)

    @staticmethod
    def _apart(data: bytes) -> str:
        """A statement bears a number of its own too: no settings that were brought first hold it back."""
        content = decode_config(data)
        return "statement" if content.settings is None and content.statement is not None else ""

    def _number(self, data: bytes) -> int:
        content = decode_config(data)
        if content.settings is not None:
            self._load(content.settings)
        if content.statement is not None and (reason := self._keys.judge(content.statement)):
            raise Unfit(f"statement-{reason}")
        return content.number

    def _load(self, posted: Posted) -> Config:
        try:
            return load_config(self._file, posted)
        except ConfigError:
            # The sentence names files of this machine: the record is told a code.
            raise Unfit("setting") from None

    def _take(self, data: bytes) -> None:
        content = decode_config(data)
        if content.statement is not None and not self._keys.take(content.statement):
            log.info("the record's key statement number %d is in force", self._keys.known.number)
        if content.settings is None:
            return
        if kept_settings(self._state_dir) != ConfigContent(content.number, content.settings):
            kept = encode_config(ConfigContent(content.number, content.settings))
            replace_file(self._state_dir / SETTINGS, kept)
        try:
            self._adopt(self._load(content.settings))
            log.info("the posted settings number %d are in force after this visit", content.number)
        except Unfit:
            log.error("the posted settings number %d no longer fit to the file of settings", content.number)


class AppointmentReader:
    """Whom the record expects here. Nobody of them is written down or logged: the sealed post is all that is kept."""

    def __init__(self, expect: Callable[[tuple[Appointment, ...]], None], now_ms: Callable[[], int | None]) -> None:
        self._expect, self._now_ms = expect, now_ms
        self._listed: tuple[Appointment, ...] = ()
        self._number = 0
        self._lock = threading.Lock()
        """Lists come in the uplink's thread and are gone through in the core's."""

    def reader(self) -> Reader:
        """For the letter box."""
        return Reader(lambda data: decode_appointments(data).number, self._take)

    def _take(self, data: bytes) -> None:
        content = decode_appointments(data)
        with self._lock:
            self._listed, self._number = content.appointments, content.number
            self._expect(self._listed)
        log.info("the record's appointments number %d are in force", content.number)

    def drop_past(self) -> int | None:
        """Forget those whose time is over; the number of their list once the last one went: it may be erased too."""
        now = self._now_ms()
        with self._lock:
            if now is None or not self._listed:
                return None
            kept = tuple(each for each in self._listed if now < each.until_ms)
            if len(kept) < len(self._listed):
                self._listed = kept
                self._expect(kept)
            return None if kept else self._number
