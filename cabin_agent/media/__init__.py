"""The media process: cameras, sound and the call to the doctor's browser. It never touches an instrument.

It runs beside the core and speaks to it over a unix socket (`cabin_agent.media.wire`); it may crash, hang or be
killed without a measurement noticing.
"""
