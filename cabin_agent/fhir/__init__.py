"""A finished visit as the record reads it: a FHIR R4 transaction Bundle.

`bundle.build_bundle` writes it, `bundle.check_bundle` refuses a wrong one at the gateway. The tables of codes are in
`codes`; `observations` holds the measures, `waves` the ECG, `hearing` the audiogram, `evidence` what a reader needs
to judge a value, `consultation` what a doctor added, `devices` the instruments and the cabin, `context` the person,
the visit, the consents, the questionnaires and the provenance, `entry` the temporary ids and identifiers that join
them.

Resources are plain JSON objects (`codes.Resource`) and are validated with fhir.resources, which is imported only when
a Bundle is built or checked. Sources: FHIR R4 4.0.1, HL7 Personal Health Device guide (hl7.fhir.uv.phd).
"""
