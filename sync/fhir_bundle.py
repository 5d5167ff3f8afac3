"""A transaction Bundle as a FHIR server gets it: every entry a conditional create (FHIR R4, http.html#ccreate).

An entry that can be found again is not created twice, however often the Bundle is sent. Most say so already; one with
an identifier gets the search for it, and one without gets a tag of its own to be found by. The archived content stays
as it is.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]

TAG = "urn:ietf:rfc:3986"
"""System of the tag that names an entry by its own address in the Bundle."""


def transaction(content: bytes) -> bytes:
    """The Bundle to send for an archived one; `ValueError` where it is no transaction Bundle."""
    bundle = json.loads(content)
    match bundle:
        case {"resourceType": "Bundle", "type": "transaction", "entry": [*entries]}:
            return json.dumps({**bundle, "entry": [_conditional(each) for each in entries]}).encode()
    raise ValueError("not a transaction Bundle")


def _conditional(entry: Json) -> Json:
    match entry:
        case {"request": {"method": "POST"}, "resource": {}} if "ifNoneExist" not in entry["request"]:
            search, resource = _search(entry["resource"], entry.get("fullUrl"))
            return {**entry, "resource": resource, "request": {**entry["request"], "ifNoneExist": search}}
        case {"request": {}}:
            return entry
    raise ValueError("not an entry of a transaction")


def _search(resource: Json, full_url: object) -> tuple[str, Json]:
    """How an entry is found again, and the resource that can be found so."""
    identifiers = resource.get("identifier", [])
    for each in [identifiers] if isinstance(identifiers, dict) else identifiers:
        match each:
            case {"system": str(system), "value": str(value)}:
                return f"identifier={_escaped(system)}|{_escaped(value)}", resource
    if not isinstance(full_url, str):
        raise ValueError("an entry that could not be found again")
    meta = resource.get("meta", {})
    tags = [*meta.get("tag", []), {"system": TAG, "code": full_url}]
    return f"_tag={_escaped(TAG)}|{_escaped(full_url)}", {**resource, "meta": {**meta, "tag": tags}}


def _escaped(text: str) -> str:
    r"""A value within a search: FHIR's separators marked by "\" (R4, search.html#escaping), then as in a URL."""
    for separator in "\\,|$":
        text = text.replace(separator, f"\\{separator}")
    return quote(text, safe=":/")
