"""The manager: what an agent sends -> events, and what is answered; pure.

Times come in as arguments, and `due` says when `tick` wants to be called. Source: protocol sheet "IEEE 11073-20601
over USB PHDC", sections 3 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.events import Trouble
from drivers.ieee11073 import apdu
from drivers.ieee11073.agent import Agent
from drivers.ieee11073.apdu import AssociationRequest, AssociationResponse, Happened, Presentation, Release
from drivers.ieee11073.configurations import STANDARD, Configuration, decode_report
from drivers.ieee11073.framing import Framer
from drivers.ieee11073.mder import Malformed
from drivers.ieee11073.session import Moment, Outcome, Session, not_now, refuse
from drivers.ieee11073.states import LIMIT_S, TABLE, Act, Input, State

SYSTEM_ID = bytes.fromhex("6361626e00000001")
"""The manager's own, of a range that no maker holds."""


class Manager:
    """One manager for one agent after the other on one wire.

    `kind` is the instrument that is expected: another one is refused, and `mismatch` says so in one sentence.
    """

    def __init__(self, kind: str, agent: Agent | None = None) -> None:
        self.kind = kind
        self.state = State.DISCONNECTED
        self.mismatch: str | None = None
        self._agent = agent or Agent()
        self._framer = Framer()
        self._request = AssociationRequest(common=False)
        self._presentation = Presentation(0, 0, b"")
        self._report = Happened(0, 0, 0, b"")
        self._verdict: Configuration | int = apdu.CONFIGURATION_UNKNOWN
        self._session = Session(self._agent, kind)
        self._limit: float | None = None

    @property
    def due(self) -> float | None:
        """When `tick` is to be called, in the seconds of `Moment`; None: not before more is received."""
        return min((each for each in (*self._deadlines, self._agent.due) if each is not None), default=None)

    @property
    def _deadlines(self) -> tuple[float | None, float | None]:
        return self._limit, self._session.deadline

    def connect(self, moment: Moment) -> Outcome:
        """The wire is there, and nothing of an earlier one is."""
        self._framer, self.mismatch = Framer(), None
        return self._do(Input.CONNECTED, moment, self._do(Input.LOST, moment, Outcome()))

    def receive(self, data: bytes, moment: Moment) -> Outcome:
        """Take bytes of the agent, in any cut."""
        outcome = Outcome()
        for message in self._framer.feed(data):
            if isinstance(message, Trouble):
                outcome.events.append(message)
            else:
                self._take(message, moment, outcome)
        return outcome

    def tick(self, moment: Moment) -> Outcome:
        """Time has passed."""
        outcome = Outcome(self._agent.late(moment.s))
        if any(each is not None and moment.s >= each for each in self._deadlines):
            outcome.events.append(Trouble("no-reply", "the instrument did not answer in time"))
            self._do(Input.TIMEOUT, moment, outcome)
        return outcome

    def end(self, moment: Moment) -> Outcome:
        """The host wants no more."""
        return self._do(Input.END, moment, Outcome())

    def ask(self, moment: Moment | None) -> None:
        """A measurement is waited for from now on; None: no longer."""
        self._agent.freshness.ask(None if moment is None else moment.s)

    # --- what came ------------------------------------------------------------------------------------------------

    def _take(self, data: bytes, moment: Moment, outcome: Outcome) -> None:
        try:
            message = apdu.decode(data)
        except Malformed as error:
            outcome.events.append(Trouble("malformed", str(error)))
            return
        if isinstance(message, Presentation):
            self._presented(message, moment, outcome)
        elif isinstance(message, AssociationRequest):
            self._do(self._judge_request(message, outcome), moment, outcome)
        elif isinstance(message, Release):
            self._do(Input.RELEASE_RESPONSE if message.response else Input.RELEASE_REQUEST, moment, outcome)
        elif isinstance(message, AssociationResponse):
            self._do(Input.ASSOCIATION_RESPONSE, moment, outcome)
        else:
            why = apdu.ABORTS.get(message.reason, "for a reason of its own")
            outcome.events.append(Trouble("refused", f"the instrument ended the association: {why}"))
            self._do(Input.ABORT, moment, outcome)

    def _presented(self, message: Presentation, moment: Moment, outcome: Outcome) -> None:
        self._presentation = message
        try:
            happened = _configuration_event(message)
        except Malformed as error:
            refuse(message, error, outcome)
            return
        if happened is None:
            self._do(Input.DATA, moment, outcome)
        else:
            self._report = happened
            self._do(Input.CONFIGURATION, moment, outcome)

    def _judge_request(self, request: AssociationRequest, outcome: Outcome) -> Input:
        self._request = request
        if refusal(request) is not None:
            return Input.REQUEST_REFUSED
        if self.state is not State.UNASSOCIATED:
            return Input.REQUEST_KNOWN
        known = self._agent.associate(request.system_id, request.configuration)
        if known is None:
            return Input.REQUEST_UNKNOWN
        return Input.REQUEST_KNOWN if self._expected(known.kind, outcome) else Input.REQUEST_REFUSED

    def _expected(self, kind: str | None, outcome: Outcome) -> bool:
        if kind == self.kind:
            return True
        what = "one that this house does not know" if kind is None else f"one of the kind {kind}"
        self.mismatch = (
            f"The instrument here is no {self.kind} but {what}: plug in the right one, or correct its port."
        )
        outcome.events.append(Trouble("refused", "an instrument of another kind was refused"))
        return False

    # --- what is done ---------------------------------------------------------------------------------------------

    def _do(self, happened: Input, moment: Moment, outcome: Outcome) -> Outcome:
        before = self.state
        self.state, act = TABLE[before, happened]
        if self.state is not before:
            limit = LIMIT_S.get(self.state)
            self._limit = None if limit is None else moment.s + limit
        if self.state in (State.UNASSOCIATED, State.DISCONNECTED) and before is not self.state:
            self._session.end(moment, outcome)
        acts: Mapping[Act, Callable[[Moment, Outcome], None]] = {
            Act.ACCEPT: self._accept,
            Act.ASK_CONFIGURATION: self._ask_configuration,
            Act.REFUSE: self._refuse,
            Act.CHECK: self._check,
            Act.TAKE_CONFIGURATION: self._take_configuration,
            Act.REFUSE_CONFIGURATION: self._refuse_configuration,
            Act.HEAR: self._hear,
            Act.NOT_NOW: self._not_now,
        }
        if act in acts:
            acts[act](moment, outcome)
        elif act is not Act.NOTHING:
            outcome.replies.append(_said(act, before, happened))
        return outcome

    def _accept(self, moment: Moment, outcome: Outcome) -> None:
        outcome.replies.append(apdu.encode_association_response(apdu.ACCEPTED, SYSTEM_ID))
        self._session.begin(moment, outcome)

    def _ask_configuration(self, _: Moment, outcome: Outcome) -> None:
        outcome.replies.append(apdu.encode_association_response(apdu.UNKNOWN_CONFIGURATION, SYSTEM_ID))

    def _refuse(self, _: Moment, outcome: Outcome) -> None:
        result, why = refusal(self._request) or (apdu.REJECTED, None)
        outcome.replies.append(apdu.encode_association_response(result, SYSTEM_ID))
        if why is not None:
            outcome.events.append(Trouble("refused", why))

    def _check(self, moment: Moment, outcome: Outcome) -> None:
        try:
            self._verdict = self._judge(decode_report(self._report.info), outcome)
        except Malformed as error:
            outcome.events.append(Trouble("malformed", str(error)))
            self._verdict = apdu.CONFIGURATION_UNSUPPORTED
        fits = isinstance(self._verdict, Configuration)
        self._do(Input.CONFIGURATION_FITS if fits else Input.CONFIGURATION_REFUSED, moment, outcome)

    def _judge(self, found: Configuration, outcome: Outcome) -> Configuration | int:
        """The configuration where it fits, else the code of why not."""
        if found.number in STANDARD and not found.metrics:
            return apdu.CONFIGURATION_UNKNOWN
        return found if self._expected(found.kind, outcome) else apdu.CONFIGURATION_UNSUPPORTED

    def _take_configuration(self, moment: Moment, outcome: Outcome) -> None:
        self._answer_configuration(apdu.CONFIGURATION_ACCEPTED, outcome)
        if isinstance(self._verdict, Configuration):
            self._agent.configure(self._verdict)
        self._session.begin(moment, outcome)

    def _refuse_configuration(self, _: Moment, outcome: Outcome) -> None:
        verdict = self._verdict
        result = verdict if isinstance(verdict, int) else apdu.CONFIGURATION_UNSUPPORTED
        self._answer_configuration(result, outcome)

    def _answer_configuration(self, result: int, outcome: Outcome) -> None:
        report = self._report
        info = report.info[:2].ljust(2, b"\0") + result.to_bytes(2)
        answer = apdu.encode_event_response(self._presentation.invoke, report.handle, report.kind, info)
        outcome.replies.append(answer)

    def _hear(self, moment: Moment, outcome: Outcome) -> None:
        happened = self._session.hear(self._presentation, moment, outcome)
        if self._session.other is not None:
            self._expected(self._session.other, outcome)
        if happened is not None:
            self._do(happened, moment, outcome)

    def _not_now(self, _: Moment, outcome: Outcome) -> None:
        not_now(self._presentation, outcome)


def refusal(request: AssociationRequest) -> tuple[int, str] | None:
    """Result and phrase for a request that no manager here accepts; None where nothing speaks against it."""
    if not request.common:
        return apdu.NO_COMMON_PROTOCOL, "an instrument that does not speak IEEE 11073-20601 was refused"
    if not request.encodings & apdu.MDER_RULES:
        return apdu.NO_COMMON_PARAMETER, "an instrument that does not encode as MDER was refused"
    if request.functional_units & apdu.TEST_ASSOCIATION:
        return apdu.REJECTED, "an instrument that asked for a test association was refused"
    return None


def _configuration_event(message: Presentation) -> Happened | None:
    """The event of a configuration report; None for anything else."""
    if message.choice != apdu.CONFIRMED_EVENT:
        return None
    happened = apdu.decode_event(message.body)
    return happened if happened.kind == apdu.CONFIGURATION_EVENT else None


def _said(act: Act, before: State, happened: Input) -> bytes:
    """The message of an act that is only a message."""
    if act is not Act.ABORT:
        return apdu.encode_release(response=act is Act.RELEASED)
    if happened is not Input.TIMEOUT:
        return apdu.encode_abort(0)
    waiting = before in (State.WAITING, State.CHECKING)
    return apdu.encode_abort(apdu.CONFIGURATION_TIMEOUT if waiting else apdu.RESPONSE_TIMEOUT)
