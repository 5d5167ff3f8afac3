"""The record's keys as one cabin knows them: which to seal to, and whose receipts and posts to believe.

They come from the settings, or from the newest statement of a pinned root (`statement.py`), which is kept in a file
of the cabin's own so that no older one is ever taken again. `signers` is a living view: whoever holds it sees a new
statement at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sync.errors import KeyFileError, Refused
from sync.keys import RecipientPublic, Signers, SigningPublic
from sync.statement import MAX_LENGTH, Statement, read_statement
from sync.whole_file import replace_file

ROLLBACK, NO_ROOT = "rollback", "no-root"
"""Reasons to refuse a statement beside those of its codec: an older or equal number, and nobody to verify it by."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is believed now; `number` and `data` are those of the statement, 0 and empty where there is none."""

    recipient: RecipientPublic
    signers: Signers
    number: int = 0
    data: bytes = b""


class RecordKeys:
    """The keys in force. `first` holds until a statement of `root` is taken; without a root it holds for ever."""

    def __init__(self, first: Known, root: SigningPublic | None = None, file: Path | None = None) -> None:
        self._known, self._root, self._file = first, root, file
        self.signers: Signers = _Living(self)
        self.on_change: Callable[[Known], None] = lambda _known: None
        """Hears what is in force after each statement that was taken."""

    @property
    def known(self) -> Known:
        """One frozen object, safe to read from any thread."""
        return self._known

    @property
    def recipient(self) -> RecipientPublic:
        """The key to seal to now."""
        return self._known.recipient

    def judge(self, data: bytes) -> str:
        """Why a statement cannot be taken, or "": a reason of this module, or a code of the codec."""
        if self._root is None:
            return NO_ROOT
        if data and data == self._known.data:
            return ""
        try:
            new = read_statement(data, self._root)
        except Refused as refusal:
            return refusal.code
        return "" if new.number > self._known.number else ROLLBACK

    def take(self, data: bytes) -> str:
        """Judge a statement and bring it into force, durably first; the reason where it is not taken.

        Raises OSError where it cannot be written; then nothing has changed.
        """
        reason = self.judge(data)
        if reason or self._root is None or data == self._known.data:
            return reason
        if self._file is not None:
            replace_file(self._file, data)
        self._known = _known(read_statement(data, self._root), data)
        self.on_change(self._known)
        return ""


class _Living(Mapping[bytes, SigningPublic]):
    """The signers that are believed at the moment of asking."""

    def __init__(self, keys: RecordKeys) -> None:
        self._keys = keys

    def __getitem__(self, kid: bytes) -> SigningPublic:
        return self._keys.known.signers[kid]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._keys.known.signers)

    def __len__(self) -> int:
        return len(self._keys.known.signers)


def pinned_keys(
    root: SigningPublic, file: Path, offered: Path | None, first: Known | None, *, keep: bool = True
) -> RecordKeys:
    """The keys under a root: the newest of the statement kept in `file` and the one `offered` by the settings.

    With `keep`, a newer one that is offered is kept at once. `first` serves as long as there is no statement. A kept
    one that does not verify counts as absent. `KeyFileError` where the offered one cannot be used, or where there is
    nothing at all to start from.
    """
    kept = _kept(file, root)
    given = None if offered is None else load_statement(offered, root)
    newest = max((each for each in (kept, given) if each), key=lambda each: each.number, default=first)
    if newest is None:
        raise KeyFileError("No statement of the record's keys is here: name one in the settings, [record] statement.")
    keys = RecordKeys(newest, root, file)
    if keep and given is not None and newest is given:
        # On a full disk it holds all the same, and is kept at the next start.
        with suppress(OSError):
            replace_file(file, newest.data)
    return keys


def load_statement(path: Path, root: SigningPublic) -> Known:
    """The keys of a statement in a file; `KeyFileError` says what is wrong with it."""
    try:
        data = path.read_bytes()[: MAX_LENGTH + 1]
        return _known(read_statement(data, root), data)
    except OSError as error:
        raise KeyFileError(f"The statement {path} cannot be read: {error.strerror}.") from None
    except Refused as refusal:
        why = "another root signed it" if refusal.code == "signature" else f"it is refused as {refusal.code}"
        raise KeyFileError(f"The statement {path} is not to be believed, {why}: fetch it again.") from None


def _kept(file: Path, root: SigningPublic) -> Known | None:
    try:
        return load_statement(file, root)
    except KeyFileError:
        return None


def _known(statement: Statement, data: bytes) -> Known:
    return Known(statement.recipient, statement.signers, statement.number, data)
