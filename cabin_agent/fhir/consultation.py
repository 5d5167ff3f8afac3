"""What a doctor added to a visit: the word on each value, notes, still pictures.

A doctor is the name of an account of this cabin, opaque outside it: an identifier in `{CANONICAL}/sid/account`, and
the `authorString` of a note on an Observation. The JPEG of a still travels in the raw recording (track "still"); its
Media names the recording and the picture's SHA-256, R4's own `Attachment.hash` being SHA-1. One whose JPEG was too
large to be delivered names no recording and says so in its note.
"""

from __future__ import annotations

from base64 import b64encode

from cabin_agent.fhir.codes import CANONICAL, LOINC, Resource, absent, local
from cabin_agent.fhir.entry import Frame, instant
from cabin_agent.results import Note, Review, Still
from cabin_agent.reviewed import awaits_review, review_of
from cabin_agent.wording import Language, phrase, text

CONSULT_NOTE = {"system": LOINC, "code": "11488-4", "display": "Consult note"}
STILL_CONTENT = f"{CANONICAL}/StructureDefinition/still-content"
_MEDIA_TYPE = "http://terminology.hl7.org/CodeSystem/media-type"


def account(name: str) -> Resource:
    """A doctor as a logical reference: the name of an account."""
    return {"type": "Practitioner", "identifier": {"system": f"{CANONICAL}/sid/account", "value": name}}


def reviewed(frame: Frame, position: int, described: Resource) -> Resource:
    """The Observation `described` of the outcome at `position` as the doctor's word leaves it.

    Nothing changes where no doctor was asked. Else a value is "preliminary" until it is accepted ("final") or
    rejected ("cancelled", with a reason in the place of every value); an absence of a value keeps its status.
    """
    review = review_of(frame.visit, position)
    if review is not None:
        described = described | {"note": [*described.get("note", ()), _annotation(review, frame.visit.language)]}
    if review is not None and review.verdict == "rejected":
        return _without_value(described) | _rejected(frame.visit.language)
    if "dataAbsentReason" in described or not awaits_review(frame.visit):
        return described
    accepted = review is not None and review.verdict == "accepted"
    return described | {"status": "final" if accepted else "preliminary"}


def is_accepted(frame: Frame, position: int) -> bool:
    """Whether the doctor vouches for the outcome at `position`: then a poor value is not withheld."""
    review = review_of(frame.visit, position)
    return review is not None and review.verdict == "accepted"


def _annotation(review: Review, language: Language) -> Resource:
    words = text(language, f"review.{review.verdict or 'annotated'}")
    return {"authorString": review.by, "text": f"{words}{_colon(language)}{review.note}" if review.note else words}


def _colon(language: Language) -> str:
    return "\u00a0: " if language == "fr" else ": "


def _without_value(described: Resource) -> Resource:
    return {name: part for name, part in described.items() if name not in ("valueQuantity", "component")}


def _rejected(language: Language) -> Resource:
    return {
        "status": "cancelled",
        "dataAbsentReason": absent("error", "review", "rejected", text(language, "review.rejected")),
    }


def note_document(frame: Frame, position: int, note: Note) -> Resource:
    """One note of the doctor on the consultation as plain text."""
    content = note.text.encode()
    return {
        "resourceType": "DocumentReference",
        "identifier": [frame.identifier("note", position, note.at_ms)],
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [dict(CONSULT_NOTE)], "text": text(frame.visit.language, "note.title")},
        "subject": frame.reference("patient"),
        "date": instant(note.at_ms),
        "author": [account(note.by)],
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": b64encode(content).decode("ascii"),
                    "size": len(content),
                }
            }
        ],
        "context": {"encounter": [frame.reference("encounter")]},
    }


def still_media(frame: Frame, position: int, still: Still) -> Resource:
    """One still picture: what it shows, and where its JPEG is."""
    language = frame.visit.language
    lost = still.sha256 in frame.visit.left_out
    parts = [{"url": "sha256", "valueString": still.sha256}]
    if frame.visit.recording is not None and not lost:
        parts.append({"url": "recording", "valueString": frame.visit.recording})
    described: Resource = {
        "resourceType": "Media",
        "extension": [{"url": STILL_CONTENT, "extension": parts}],
        "identifier": [frame.identifier("still", position, still.sha256)],
        "status": "completed",
        "type": {"coding": [{"system": _MEDIA_TYPE, "code": "image", "display": "Image"}]},
        "subject": frame.reference("patient"),
        "encounter": frame.reference("encounter"),
        "createdDateTime": instant(still.at_ms),
        "bodySite": _body_site(still, language),
        "deviceName": still.camera,
        "device": frame.reference("gateway"),
        "height": still.height,
        "width": still.width,
        "content": {"contentType": "image/jpeg", "title": text(language, "still.title")},
    }
    return described | ({"note": [{"text": text(language, "still.left-out")}]} if lost else {})


def _body_site(still: Still, language: Language) -> Resource:
    """Where on the body, and on which side of it: two codes of ours, in one sentence."""
    site = local("site", still.site, phrase(language, "site", still.site))
    side = local("side", still.side, text(language, f"side.{still.side}"))
    words = site["text"] if still.side == "none" else f"{site['text']}, {side['text']}"
    return {"coding": [*site["coding"], *side["coding"]], "text": words}
