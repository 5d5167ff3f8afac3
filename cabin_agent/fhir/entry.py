"""What joins the resources of one Bundle: temporary ids, identifiers against duplicates, references and instants.

Every id is computed from the visit's random id and from what the resource is, so that building a visit again gives
the same bytes, and a record that has the visit already creates nothing twice (`ifNoneExist`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from cabin_agent.fhir.codes import CANONICAL, Resource
from cabin_agent.results import Measure, VisitRecord

_NAMESPACE = uuid5(NAMESPACE_URL, CANONICAL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Frame:
    """The visit being written, and the names of its resources within the Bundle."""

    visit: VisitRecord

    def urn(self, *parts: object) -> str:
        """The temporary id of the resource that `parts` name."""
        return f"urn:uuid:{uuid5(_NAMESPACE, _joined(self.visit.visit_id, *parts))}"

    def reference(self, *parts: object) -> Resource:
        """A Reference to the resource that `parts` name."""
        return {"reference": self.urn(*parts)}

    def identifier(self, kind: str, *parts: object) -> Resource:
        """The identifier that tells a duplicate: a hash, so that nothing of the person is readable in it."""
        subject = self.visit.subject
        digest = sha256(_joined(self.visit.visit_id, subject.system, subject.value, kind, *parts).encode())
        return {"system": f"{CANONICAL}/sid/{kind}", "value": digest.hexdigest()}


def entry(full_url: str, resource: Resource) -> Resource:
    """One entry of the transaction: created once, found again by its first identifier if it has one."""
    request = {"method": "POST", "url": resource["resourceType"]}
    identifiers = resource.get("identifier", ())
    first = identifiers if isinstance(identifiers, dict) else next(iter(identifiers), None)
    if first:
        request["ifNoneExist"] = f"identifier={quote(first['system'], safe=':/')}|{_searched(first['value'])}"
    return {"fullUrl": full_url, "resource": resource, "request": request}


def is_simulated(visit: VisitRecord) -> bool:
    """True where the cabin says so, or any instrument behind a value or camera behind a picture is simulated."""
    measures = [outcome for outcome in visit.outcomes if isinstance(outcome, Measure)]
    devices = [measure.evidence.device for measure in measures]
    instruments = any(device is not None and device.simulated for device in devices)
    return visit.cabin.simulated or instruments or any(still.simulated for still in visit.stills)


def instant(at_ms: int) -> str:
    """UTC milliseconds as an instant of FHIR, with its zone offset."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")


def _joined(*parts: object) -> str:
    """The parts as one string in which no two different lists of parts look alike."""
    return repr([str(part) for part in parts])


def _searched(value: str) -> str:
    """A value inside a search parameter: FHIR's separators escaped (R4, search), then percent-encoded."""
    return quote(re.sub(r"([\\,|$])", r"\\\1", value), safe="")
