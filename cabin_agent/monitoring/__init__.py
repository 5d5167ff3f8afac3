"""One instrument, live, for a technician in a terminal: `cabin monitor`.

What it says comes from a running core (`beside`) or from the instrument itself (`alone`), as JSON of `event_json`; it
is kept for a few seconds (`watched`) and drawn (`view`), or printed one event a line (`shown`).
"""
