"""The small tree of errors that leave this room."""


class DriverError(Exception):
    """An instrument cannot be used; the text is one sentence that says what happened and what to do."""


class PortError(DriverError):
    """The port is unknown, busy, refused or of a kind that this house does not open."""


class Absent(PortError):
    """Nothing is at the port's address: the instrument is not plugged in, or its server does not answer."""


class Unplugged(DriverError):
    """The instrument went away while its port was open."""


class OtherLine(DriverError):
    """The instrument does not speak with this line: open its port again with what its driver's `line` says now."""


class WrongInstrument(PortError):
    """Something else than the configured instrument is connected to its port."""
