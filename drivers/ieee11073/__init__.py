"""IEEE 11073-20601, the language of personal health devices, seen from the manager's side.

| module | holds |
|---|---|
| `mder` | numbers, times and lengths as the wire has them |
| `framing` | bytes in any cut -> whole messages |
| `apdu` | the messages of an association: bytes <-> dataclasses |
| `nomenclature` | codes of what is measured, in which unit, in which attribute |
| `configurations` | which object has which layout: standard ones by number, others as the agent reports them |
| `reports` | what a scan report holds: observations |
| `readings` | observations -> events |
| `agent` | all that is known of the agent at the other end |
| `freshness`, `pressures` | what was stored, and which pulse belongs to which pressures |
| `manager` | an association, from its request to its end |
| `session` | what is heard, answered and asked while it operates |
| `states` | the states of an association as a table |
| `phdc` | what a USB interface says before the first message |
| `conversation` | the manager on a stream |

Everything but the last is pure. The standards themselves were not at hand: the facts are those of the protocol
sheet "IEEE 11073-20601 over USB PHDC", taken from open stacks and from messages of real instruments.
"""
