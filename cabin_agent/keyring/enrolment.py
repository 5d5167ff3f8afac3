"""Enrolment: the cabin's request on one side, its acceptance on the other.

Three identities, and none stands for another: the TLS key tells the broker who connects, the signing pair tells the
record who measured, the sender id tells nobody anything.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping
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


def enrol(folder: Path, out: Path, *, signing: Path | None = None) -> tuple[str, Path]:
    """Write the request of the cabin whose keys lie in `folder`; gives its fingerprint and the new TLS key.

    `signing` is the pair that is, or is to be, used in place of `cabin.private`. Every pair in `folder` vouches: the
    record counts those that it knows and that are not revoked. The TLS key is `tls.key`, or `tls-XXXXXXXX.key` where
    that is there already.
    """
    pair = load_key(signing or folder / "cabin.private", SigningPair)
    older = [load_key(path, SigningPair) for path in sorted(folder.glob("cabin*.private"))]
    post = load_key(folder / "post.private", RecipientKey)
    tls = folder / "tls.key"
    if tls.exists():
        tls = folder / f"tls-{secrets.token_hex(4)}.key"
    request = Request(new_csr(tls), pair.public, post.public, time.time_ns() // 1_000_000)
    data = make_request(request, (pair, *(each for each in older if each.public.kid != pair.public.kid)))
    replace_file(out, data, 0o644)
    return fingerprint(data), tls


def accept(
    path: Path,
    ca: Path,
    allow: Path,
    *,
    confirm: Callable[[str, str | None], bool],
    revoked: Collection[bytes] | None = None,
    client: str | None = None,
    days: int = DAYS,
    out: Path | None = None,
) -> Enrolled | None:
    """Let a cabin in: its public keys into `allow`, a certificate beside the request or at `out`.

    `revoked` are the key ids of the newest statement; None where nobody looked: then no key vouches for a request.
    `confirm` is asked with the fingerprint and the client that a known key vouches for, if one does; None where it
    says no. Raises `KeyringError`.
    """
    data = path.read_bytes()
    known = {name: key for name, key in clients(allow).items() if key.kid not in (revoked or ())}
    try:
        request, vouched = read_request(data, {key.kid: key for key in known.values()})
    except Refused as refusal:
        raise KeyringError(f"The request {path} is refused ({refusal.code}): have it made and sent again.") from None
    renewed = None if vouched is None else next(name for name, key in known.items() if key.kid == vouched)
    renewed = renewed and renewed.partition("~")[0]
    if request.signing.kid in (revoked or ()):
        raise KeyringError(
            "The key that signs this request is revoked: have it made with the pair in use ('cabin keys enrol"
            " --signing'), or with new keys of 'cabin keys make cabin'."
        )
    tls = check_csr(request.csr)
    if renewed and client and client != renewed:
        raise KeyringError(f"This cabin is known as {renewed} already: leave --client out.")
    if renewed:
        _check_age(allow, renewed, request)
    if not confirm(fingerprint(data), None if revoked is None else renewed):
        return None
    taken = clients(allow)
    name = renewed or client or _new_client(taken)
    if not renewed and name in taken:
        raise KeyringError(f"There is a cabin {name} already: name another id, or leave --client out.")
    certificate = issue(ca, tls, name, days)
    files = _file(allow, name, request)
    place = out or path.with_name(f"{name}.pem")
    replace_file(place, certificate, 0o644)
    return Enrolled(name, renewed is not None, place, files)


def _accepted(allow: Path, name: str) -> Path:
    """When the request was made that was accepted last (UTC ms): an older one is somebody's copy."""
    return allow / f"{name}.accepted"


def _check_age(allow: Path, name: str, request: Request) -> None:
    file = _accepted(allow, name)
    if file.exists() and request.made_ms < int(file.read_text(encoding="ascii")):
        raise KeyringError(
            f"This request is older than the last that was accepted of {name}: check the cabin's clock and have a new"
            " one made."
        )


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
    replace_file(_accepted(allow, name), str(request.made_ms).encode("ascii"), 0o644)
    return *written, post
