"""From content to a stored letter: what the daemon calls at the end of a visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.envelope import Sealed, Stamp, seal
from sync.keys import RecipientPublic, SigningPair
from sync.outbox import Outbox, Stored


@dataclass(slots=True)
class Sender:
    """The outbox with the keys that seal into it; another `recipient` may be put in place at any time.

    `stamp` is asked at each letter: time, trust in the clock, boot id, head of the audit chain.
    """

    outbox: Outbox
    recipient: RecipientPublic
    signer: SigningPair
    stamp: Callable[[], Stamp]

    def send(self, mid: bytes, content_type: str, content: bytes) -> Stored:
        """Seal `content` and store it durably under `mid` (16 random bytes, chosen once per document and kept).

        The same `mid` again changes nothing, so the caller repeats after a crash. Raises as `Outbox.put`, and
        `ValueError` where the content is larger than 32 MiB or the id has not 16 bytes.
        """
        if len(mid) != 16:
            raise ValueError("A message id has 16 bytes.")

        def sealer(seq: int, prev: bytes) -> Sealed:
            return seal(
                content,
                content_type,
                recipient=self.recipient,
                signer=self.signer,
                mid=mid,
                src=self.outbox.src,
                seq=seq,
                prev=prev,
                stamp=self.stamp(),
            )

        return self.outbox.put(mid, sealer)
