"""Enrolment: the cabin's request on one side, its acceptance on the other.

Three identities, and none stands for another: the TLS key tells the broker who connects, the signing pair tells the
record who measured, the sender id tells nobody anything.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cabin_agent.keyring.certificates import DAYS, check_csr, issue, new_csr
from cabin_agent.keyring.error import KeyringError
from cabin_agent.keyring.request import Request, fingerprint, make_request, read_request
from sync.errors import Refused
from sync.keyfile import load_key, load_signers, save_key
from sync.keys import RecipientKey, RecipientPublic, SigningPair, SigningPublic
from sync.whole_file import replace_file


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What was written for a cabin that was accepted."""

    client: str
    renewed: bool
    certificate: Path
    files: tuple[Path, ...]


def enrol(folder: Path, out: Path, *, signing: Path | None = None) -> str:
    """Write the request of the cabin whose keys lie in `folder`, with a new TLS key; gives its fingerprint.

    `signing` is a new pair that is to follow that in `folder`: then both sign. The TLS key is `tls.key`, or
    `tls-XXXXXXXX.key` where that is there already.
    """
    current = load_key(folder / "cabin.private", SigningPair)
    pair = load_key(signing, SigningPair) if signing else current
    post = load_key(folder / "post.private", RecipientKey)
    tls = folder / "tls.key"
    if tls.exists():
        tls = folder / f"tls-{secrets.token_hex(4)}.key"
    request = Request(new_csr(tls), pair.public, post.public, time.time_ns() // 1_000_000)
    data = make_request(request, (pair,) if signing is None else (pair, current))
    replace_file(out, data, 0o644)
    return fingerprint(data)


def accept(
    path: Path,
    ca: Path,
    allow: Path,
    *,
    confirm: Callable[[str, str | None], bool],
    client: str | None = None,
    days: int = DAYS,
    out: Path | None = None,
) -> Enrolled | None:
    """Let a cabin in: its public keys into `allow`, a certificate beside the request or at `out`.

    `confirm` is asked with the fingerprint and the client that it renews, if it is one; None where it says no.
    Raises `KeyringError`.
    """
    data = path.read_bytes()
    known = clients(allow)
    try:
        request, vouched = read_request(data, {key.kid: key for key in known.values()})
    except Refused as refusal:
        raise KeyringError(f"The request {path} is refused ({refusal.code}): have it made and sent again.") from None
    renewed = None if vouched is None else next(name for name, key in known.items() if key.kid == vouched)
    renewed = renewed and renewed.partition("~")[0]
    tls = check_csr(request.csr)
    if renewed and client and client != renewed:
        raise KeyringError(f"This cabin is known as {renewed} already: leave --client out.")
    if not confirm(fingerprint(data), renewed):
        return None
    name = renewed or client or _new_client(known)
    if not renewed and name in known:
        raise KeyringError(f"There is a cabin {name} already: name another id, or leave --client out.")
    certificate = issue(ca, tls, name, days)
    files = _file(allow, name, request)
    place = out or path.with_name(f"{name}.pem")
    replace_file(place, certificate, 0o644)
    return Enrolled(name, renewed is not None, place, files)


def clients(allow: Path) -> Mapping[str, SigningPublic]:
    """The cabins that are let in, by the stem of their file: "c-7f3a91", for a later key "c-7f3a91~1f2e3d4c"."""
    allow.mkdir(mode=0o755, parents=True, exist_ok=True)
    return {path.stem: load_key(path, SigningPublic) for path in sorted(allow.glob("*.json"))}


def post_key(allow: Path, client: str) -> RecipientPublic:
    """The key that posts for a client are sealed to; raises `KeyFileError`."""
    return load_key(allow / f"{client}.public", RecipientPublic)


def _new_client(known: Mapping[str, object]) -> str:
    while True:
        name = f"c-{secrets.token_hex(4)}"
        if name not in known:
            return name


def _file(allow: Path, name: str, request: Request) -> tuple[Path, ...]:
    """File the public keys; a signing key that is there stays, for letters that were signed with it still come."""
    signing = allow / f"{name}.json"
    if signing.exists():
        signing = allow / f"{name}~{request.signing.kid.hex()[:8]}.json"
    written: tuple[Path, ...] = ()
    if request.signing.kid not in load_signers(allow.glob("*.json"), demo=True):
        save_key(signing, request.signing)
        written = (signing,)
    post = allow / f"{name}.public"
    fresh = allow / f".{name}.public.new"
    fresh.unlink(missing_ok=True)
    save_key(fresh, request.post)
    fresh.replace(post)
    return *written, post
