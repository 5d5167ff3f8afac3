"""The instruments of the visit and the cabin itself, as Devices in the shape of the PHD guide.

An instrument on a serial line has no EUI-64: it is identified by its serial number within its model or, where it has
none, by its place in this cabin. The cabin is the gateway (MDC 531981) of every Observation.
"""

from __future__ import annotations

from urllib.parse import quote

from cabin_agent.fhir.codes import CANONICAL, MANUFACTURERS, MDC, SPECIALIZATIONS, Resource
from cabin_agent.fhir.entry import Frame
from cabin_agent.results import CabinIdentity, Device, Measure

_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"


def instruments(frame: Frame) -> list[Device]:
    """Every instrument behind a value of the visit, once, in the order of the measures."""
    measures = [outcome for outcome in frame.visit.outcomes if isinstance(outcome, Measure)]
    devices = [measure.evidence.device for measure in measures]
    return list(dict.fromkeys(device for device in devices if device is not None))


def instrument_device(device: Device, cabin: CabinIdentity) -> Resource:
    """One instrument as a Device: what it is, who made it, its serial number and its firmware."""
    resource: Resource = {
        "resourceType": "Device",
        "identifier": [_identifier(device, cabin)],
        "status": "active",
        "modelNumber": device.model,
        "deviceName": [{"name": device.model, "type": "model-name"}],
        "type": _mdc(65573, "MDC_MOC_VMS_MDS_SIMP"),
        "specialization": [{"systemType": _specialization(device.kind)}],
    }
    manufacturer = MANUFACTURERS.get(device.protocol.split("-")[0])
    if manufacturer:
        resource["manufacturer"] = manufacturer
    if device.serial:
        resource["serialNumber"] = device.serial
    if device.firmware:
        resource["version"] = [{"type": _mdc(531976, "MDC_ID_PROD_SPEC_FW"), "value": device.firmware}]
    if device.clock_offset_s is not None:
        # The times of Observations are the cabin's; this is what a reader needs to trust the instrument's own memory.
        offset = {"value": device.clock_offset_s, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}
        resource["property"] = [{"type": {"text": "Offset of the device's clock"}, "valueQuantity": [offset]}]
    return resource


def gateway_device(cabin: CabinIdentity) -> Resource:
    """The cabin as the gateway between its instruments and the record."""
    return {
        "resourceType": "Device",
        "identifier": [{"system": f"{CANONICAL}/sid/cabin", "value": cabin.serial}],
        "status": "active",
        "serialNumber": cabin.serial,
        "deviceName": [{"name": cabin.name, "type": "user-friendly-name"}],
        "type": _mdc(531981, "MDC_MOC_VMS_MDS_AHD"),
        "version": [{"type": _mdc(531975, "MDC_ID_PROD_SPEC_SW"), "value": cabin.software}],
    }


def _identifier(device: Device, cabin: CabinIdentity) -> Resource:
    if device.serial:
        serial_type = {"coding": [{"system": _IDENTIFIER_TYPE, "code": "SNO"}]}
        return {
            "type": serial_type,
            "system": f"{CANONICAL}/sid/serial/{quote(device.model, safe='')}",
            "value": device.serial,
        }
    return {"system": f"{CANONICAL}/sid/place", "value": f"{cabin.serial}/{device.kind}/{device.protocol}"}


def _specialization(kind: str) -> Resource:
    known = SPECIALIZATIONS.get(kind)
    return _mdc(*known) if known else {"text": kind}


def _mdc(code: int, refid: str) -> Resource:
    return {"coding": [{"system": MDC, "code": str(code), "display": refid}], "text": refid}
