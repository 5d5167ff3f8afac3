"""An association in operation: reports are answered and told, and the agent is asked who it is and what time; pure.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", sections 3 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers.events import Event, Trouble
from drivers.ieee11073 import apdu
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.agent import Agent
from drivers.ieee11073.apdu import Happened, Presentation
from drivers.ieee11073.mder import Malformed, encode_absolute_time
from drivers.ieee11073.reports import Observation, is_report, observations
from drivers.ieee11073.states import RESPONSE_S, Input

CLOCK_OFF = timedelta(minutes=1)
"""A clock that can be set, and is further off than this, is set."""
MOST_HELD = 32
"""Reports that wait until the agent's clock is known."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, as the caller knows it."""

    s: float
    """Seconds of the agent's life: monotonic, faster than the wall where the agent is a simulated one."""
    wall: datetime | None = None
    """Local time of day, without a zone, to set an agent's clock by; None: it is left alone."""


@dataclass(slots=True)
class Outcome:
    """What came of it: what is told, and what is sent, in this order."""

    events: list[Event] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)


class Session:
    """What happens between an accepted configuration and the end of its association.

    An agent's observations are told once its clock is known, so that an old one is never told as new.
    """

    def __init__(self, agent: Agent, kind: str) -> None:
        self.deadline: float | None = None
        """When the agent should have answered; None while nothing was asked."""
        self.other: str | None = None
        """The kind that the agent calls itself, where it is not the one that is expected."""
        self._agent, self._kind = agent, kind
        self._waits_for: tuple[int, str] | None = None
        self._invoke = 0
        self._clock_was_set = False
        self._held: list[list[Observation]] | None = None

    def begin(self, moment: Moment, outcome: Outcome) -> None:
        """The agent may report from now on; it is asked who it is."""
        self._held, self._clock_was_set, self.other = [], False, None
        self._agent.freshness.begin(moment.s)
        self._get_description(moment, outcome)

    def end(self, moment: Moment, outcome: Outcome) -> None:
        """Nothing more comes of this association: what waited is told."""
        self._waits_for = self.deadline = None
        self._let_go(moment, outcome, aged=True)
        outcome.events += self._agent.rest()

    def hear(self, message: Presentation, moment: Moment, outcome: Outcome) -> Input | None:
        """Take a message; what it does to the association, if it does anything."""
        try:
            if message.choice in apdu.RESPONSES:
                return self._answered(message, moment, outcome)
            if message.choice in (apdu.EVENT, apdu.CONFIRMED_EVENT):
                self._event(message, apdu.decode_event(message.body), moment, outcome)
            else:
                not_now(message, outcome)
        except Malformed as error:
            refuse(message, error, outcome)
            # Without its description nothing that it sends can be dated: it begins anew.
            return Input.TIMEOUT if message.choice in apdu.RESPONSES else None
        return None

    def _event(self, message: Presentation, happened: Happened, moment: Moment, outcome: Outcome) -> None:
        configuration = self._agent.configuration
        if configuration is None or not is_report(happened.kind):
            not_now(message, outcome)
            return
        report = observations(happened, configuration)
        if message.choice == apdu.CONFIRMED_EVENT:
            outcome.replies.append(apdu.encode_event_response(message.invoke, happened.handle, happened.kind))
        if self._held is None:
            outcome.events += self._agent.tell(report, moment.s)
            return
        self._held.append(report)
        if len(self._held) >= MOST_HELD:
            self._let_go(moment, outcome, aged=True)

    def _let_go(self, moment: Moment, outcome: Outcome, *, aged: bool = False) -> None:
        """Tell what was held back; with `aged` its age was never known, and it counts as stored."""
        held, self._held = self._held or [], None
        for report in held:
            outcome.events += self._agent.tell(report, moment.s, aged=aged)

    def _get_description(self, moment: Moment, outcome: Outcome) -> None:
        outcome.replies.append(apdu.encode_get(self._wait("description", moment)))

    def _set_clock(self, wall: datetime, moment: Moment, outcome: Outcome) -> None:
        info = encode_absolute_time(wall) + bytes(4)
        outcome.replies.append(apdu.encode_action(self._wait("clock", moment), mdc.MDS, apdu.SET_TIME, info))

    def _wait(self, what: str, moment: Moment) -> int:
        self._invoke = (self._invoke + 1) % 0x10000
        self._waits_for, self.deadline = (self._invoke, what), moment.s + RESPONSE_S
        return self._invoke

    def _answered(self, message: Presentation, moment: Moment, outcome: Outcome) -> Input | None:
        if self._waits_for is None or self._waits_for[0] != message.invoke:
            not_now(message, outcome)
            return None
        what, self._waits_for, self.deadline = self._waits_for[1], None, None
        if what == "description" and message.choice == apdu.GET_RESPONSE:
            return self._described(message, moment, outcome)
        if what == "clock" and message.choice == apdu.ACTION_RESPONSE:
            self._get_description(moment, outcome)
        else:
            outcome.events.append(Trouble("refused", f"the instrument refused a request about its {what}"))
            self._let_go(moment, outcome)
        return None

    def _described(self, message: Presentation, moment: Moment, outcome: Outcome) -> Input | None:
        agent = self._agent
        outcome.events += agent.describe(apdu.decode_attributes(message.body), moment.s)
        if agent.kinds and self._kind not in agent.kinds:
            self._held, self.other = None, min(agent.kinds)
            return Input.END
        # What it measured under its present clock is told by that one.
        self._let_go(moment, outcome)
        if moment.wall is not None and not self._clock_was_set and _to_be_set(agent, moment.wall):
            self._held, self._clock_was_set = [], True
            self._set_clock(moment.wall, moment, outcome)
        return None


def not_now(message: Presentation, outcome: Outcome) -> None:
    """Reject what is not understood here, and drop an answer that nothing asked for."""
    if message.choice in apdu.RESPONSES:
        outcome.events.append(Trouble("unexpected-reply", "an answer that nothing asked for was dropped"))
    elif message.choice != apdu.EVENT:
        outcome.replies.append(apdu.encode_reject(message.invoke, apdu.UNRECOGNIZED))


def refuse(message: Presentation, error: Malformed, outcome: Outcome) -> None:
    """Reject what contradicts itself."""
    outcome.events.append(Trouble("malformed", str(error)))
    if message.choice not in apdu.RESPONSES and message.choice != apdu.EVENT:
        outcome.replies.append(apdu.encode_reject(message.invoke, apdu.BADLY_STRUCTURED))


def _to_be_set(agent: Agent, wall: datetime) -> bool:
    return agent.clock_can_be_set and (agent.clock is None or abs(agent.clock - wall) > CLOCK_OFF)
