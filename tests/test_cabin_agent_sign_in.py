"""Codes, guesses and the gate: what is written down, what a wrong code costs, and what an unknown name looks like."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent import sessions as sessions_module
from cabin_agent import sign_in as sign_in_module
from cabin_agent.access import SESSION_S, Access, AccessError, Account, make_accounts
from cabin_agent.codes import DIGITS, HASH, NOBODYS, fits, hashed, new_code
from cabin_agent.face import Refusal
from cabin_agent.guessing import ALLOWED, LOCK_S, LONGEST_LOCK_S, Guesses, lock_s
from cabin_agent.sign_in import MOST_WAITING, Claim, SignIn

RIGHT = "0123456789"
STORED = hashed(RIGHT)


# --- codes --------------------------------------------------------------------------------------------------------


def test_a_code_is_ten_random_digits() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(re.fullmatch(r"[0-9]{10}", code) for code in codes)
    assert len({code[0] for code in codes}) == DIGITS


def test_only_the_code_fits_its_hash() -> None:
    assert fits(RIGHT, STORED)
    for wrong in ("", RIGHT[:-1], RIGHT + "0", RIGHT[::-1], STORED, "\ud800"):
        assert not fits(wrong, STORED)
        assert not fits(wrong, NOBODYS)


def test_the_same_code_is_never_written_down_alike() -> None:
    assert hashed(RIGHT) != STORED
    assert HASH.fullmatch(STORED)
    assert HASH.fullmatch(NOBODYS)
    assert RIGHT not in STORED


def test_the_hash_is_that_of_the_standard() -> None:
    # RFC 7914, section 12, third vector: "pleaseletmein", salt "SodiumChloride", N 16384, r 8, p 1; first 32 bytes.
    # The form of a stored hash wants a salt of 16 bytes, so the function behind it is asked.
    from cabin_agent import codes

    known = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert codes._scrypt("pleaseletmein", b"SodiumChloride", 14).hex() == known


@pytest.mark.parametrize("stored", ["", "scrypt", STORED[:-1], STORED + "0", STORED.replace("14", "24"), "md5:1:2:3"])
def test_what_is_no_hash_fits_nothing(stored: str) -> None:
    with pytest.raises(ValueError, match="not the hash"):
        fits(RIGHT, stored)


# --- guesses ------------------------------------------------------------------------------------------------------


def test_five_wrong_codes_lock_for_a_minute_and_each_further_one_for_twice_as_long() -> None:
    assert [lock_s(count) for count in range(1, 9)] == [0, 0, 0, 0, 60, 120, 240, 480]
    assert lock_s(30) == lock_s(1000) == LONGEST_LOCK_S
    guesses = Guesses()
    assert [guesses.wrong("anne", 10.0) for _ in range(ALLOWED)] == [1, 2, 3, 4, 5]
    assert guesses.locked_s("anne", 10.0) == LOCK_S
    assert guesses.locked_s("anne", 10.0 + LOCK_S) == 0
    assert guesses.locked_s("ben", 10.0) == 0
    guesses.wrong("anne", 80.0)
    assert guesses.locked_s("anne", 80.0) == 2 * LOCK_S


def test_the_right_code_begins_anew() -> None:
    guesses = Guesses()
    for _ in range(ALLOWED - 1):
        guesses.wrong("anne", 0.0)
    guesses.right("anne")
    assert guesses.wrong("anne", 0.0) == 1
    guesses.right("nobody")


@given(names=st.lists(st.text(max_size=40), max_size=60))
def test_any_name_is_counted_in_bounded_memory(names: list[str]) -> None:
    guesses = Guesses()
    for name in names:
        assert guesses.wrong(name, 0.0) >= 1
    assert len(guesses._places) <= min(len(set(names)), 1024)


def test_many_names_stay_bounded() -> None:
    guesses = Guesses()
    for number in range(5000):
        guesses.wrong(f"name{number}", 0.0)
    assert len(guesses._places) <= 1024


# --- the gate -----------------------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> SignIn:
    return SignIn(wrong_s=0.0, clock=clock)


async def refused(gate: SignIn, name: str, code: str, stored: str = STORED) -> str:
    """The code of the refusal, "" for none."""
    try:
        await gate.check(Claim(name, code), stored)
    except Refusal as refusal:
        return refusal.code
    return ""


async def test_a_code_may_be_written_as_it_is_read_aloud(gate: SignIn) -> None:
    for written in (RIGHT, "01234 56789", " 012 345 6789 ", "0123456789\n"):
        assert await refused(gate, "anne", written) == ""


@pytest.mark.parametrize("code", ["", "1" * 10, "1" * 100_000, "x" * 10, "٠١٢٣٤٥٦٧٨٩", "0123456789 x"])
async def test_no_other_code_opens(gate: SignIn, code: str) -> None:
    assert await refused(gate, "anne", code) == "wrong-code"


async def test_a_lock_holds_against_the_right_code_and_ends(gate: SignIn, clock: Clock) -> None:
    said = [await refused(gate, "anne", "1111111111") for _ in range(ALLOWED)]
    assert said == ["wrong-code"] * (ALLOWED - 1) + ["locked"]
    assert await refused(gate, "anne", RIGHT) == "locked"
    assert await refused(gate, "ben", RIGHT) == ""
    clock.now = LOCK_S
    assert await refused(gate, "anne", RIGHT) == ""
    assert await refused(gate, "anne", "1111111111") == "wrong-code"


async def test_unknown_names_are_locked_like_known_ones(gate: SignIn) -> None:
    said = [await refused(gate, "nobody", "1111111111", NOBODYS) for _ in range(ALLOWED)]
    assert said == ["wrong-code"] * (ALLOWED - 1) + ["locked"]


async def test_a_wrong_code_holds_up_the_next_check_longer_each_time(clock: Clock) -> None:
    gate = SignIn(wrong_s=0.05, clock=clock)
    spent = []
    for _ in range(4):
        begun = time.monotonic()
        assert await refused(gate, "anne", "1111111111") == "wrong-code"
        spent.append(time.monotonic() - begun)
    assert all(seconds >= 0.05 * count for count, seconds in enumerate(spent, 1))


async def test_many_at_once_are_checked_one_by_one_and_the_rest_turned_away(gate: SignIn) -> None:
    said = await asyncio.gather(*(refused(gate, f"name{number}", RIGHT) for number in range(3 * MOST_WAITING)))
    assert sorted(said) == [""] * MOST_WAITING + ["locked"] * 2 * MOST_WAITING
    assert await refused(gate, "anne", RIGHT) == ""


async def test_the_loop_goes_on_while_a_code_is_checked(gate: SignIn) -> None:
    checking = asyncio.create_task(refused(gate, "anne", RIGHT))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20


async def test_an_unknown_name_takes_as_long_as_a_known_one(gate: SignIn, clock: Clock) -> None:
    async def spent(stored: str) -> float:
        times = []
        for number in range(5):
            begun = time.perf_counter()
            assert await refused(gate, f"{stored[-9:]}{number}", "1111111111", stored) == "wrong-code"
            times.append(time.perf_counter() - begun)
        return min(times)

    known, unknown = await spent(STORED), await spent(NOBODYS)
    assert unknown > 0.01
    assert 0.2 < known / unknown < 5


# --- accounts of people -------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def keeper(path: Path) -> Access:
    return Access(path, SignIn(wrong_s=0.0))


async def answer(access: Access, name: str, code: str, role: str) -> str:
    """The session's token, or the code of the refusal."""
    try:
        return await access.sign_in(name, code, role)
    except Refusal as refusal:
        return refusal.code


async def test_a_person_signs_in_to_the_role_of_the_account_alone(path: Path) -> None:
    codes = make_accounts(path.parent, {"nadia": "nurse", "ada": "doctor"})
    access = keeper(path)
    token = await access.sign_in("nadia", codes["nadia"], "nurse")
    assert access.who(token) == Account("nadia", "nurse")
    for name, code, role in (
        ("nadia", codes["nadia"], "doctor"),
        ("nadia", codes["ada"], "nurse"),
        ("ada", codes["nadia"], "nurse"),
        ("nobody", codes["nadia"], "nurse"),
        ("nadia", codes["nadia"], "kiosk"),
    ):
        assert await answer(access, name, code, role) == "wrong-code"


async def test_the_kiosk_does_not_sign_in_with_a_code(path: Path) -> None:
    access = keeper(path)
    granted = access.grant("screen", "kiosk")
    assert await answer(access, "screen", granted.code, "kiosk") == "wrong-code"
    assert access.who(granted.token) == Account("screen", "kiosk")


@pytest.fixture
def earlier(path: Path) -> str:
    """The token of an account that an earlier version wrote."""
    token = keeper(path).grant("tom", "technician").token
    entries = json.loads(path.read_text())
    del entries["tom"]["code"]
    path.write_text(json.dumps(entries))
    return token


async def test_accounts_of_an_earlier_version_stay_readable_and_have_no_code(path: Path, earlier: str) -> None:
    access = keeper(path)
    assert access.who(earlier) == Account("tom", "technician")
    for code in ("", RIGHT):
        assert await answer(access, "tom", code, "technician") == "wrong-code"
    access.grant("ada", "doctor")
    assert keeper(path).who(earlier) == Account("tom", "technician")


async def test_revoking_or_granting_anew_signs_out(path: Path) -> None:
    access, command = keeper(path), keeper(path)
    for change in (lambda: command.revoke("nadia"), lambda: command.grant("nadia", "nurse")):
        code = command.grant("nadia", "nurse").code
        token = await access.sign_in("nadia", code, "nurse")
        assert access.who(token) is not None
        change()
        assert access.who(token) is None
        assert await answer(access, "nadia", code, "nurse") == "wrong-code"


async def test_a_session_ends_with_the_working_day(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = keeper(path)
    token = await access.sign_in("nadia", access.grant("nadia", "nurse").code, "nurse")
    local = access.session("owner", "technician")
    later = time.time() + SESSION_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert access.who(token) is None
    assert access.who(local) is not None


async def test_a_restart_of_the_core_signs_nobody_out(path: Path) -> None:
    before = keeper(path)
    code = before.grant("ada", "doctor").code
    stays, leaves = [await before.sign_in("ada", code, "doctor") for _ in range(2)]
    before.sign_out(leaves)
    after = keeper(path)
    assert after.who(stays) == Account("ada", "doctor")
    assert after.who(leaves) is None
    after.revoke("ada")
    assert keeper(path).who(stays) is None


async def test_signing_out_ends_one_session_of_a_person(path: Path) -> None:
    access = keeper(path)
    granted = access.grant("nadia", "nurse")
    first, second = [await access.sign_in("nadia", granted.code, "nurse") for _ in range(2)]
    kiosk = access.exchange(access.kiosk_ticket())
    assert kiosk is not None
    for token in (first, kiosk, granted.token, "unknown", ""):
        access.sign_out(token)
    assert access.who(first) is None
    assert all(access.who(token) is not None for token in (second, kiosk, granted.token))


async def test_sessions_of_people_are_bounded_and_the_kiosk_is_none_of_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "MOST_OF_PEOPLE", 3)
    access = keeper(path)
    kiosk = access.exchange(access.kiosk_ticket())
    assert kiosk is not None
    code = access.grant("nadia", "nurse").code
    tokens = [await access.sign_in("nadia", code, "nurse") for _ in range(5)]
    assert [access.who(token) is not None for token in tokens] == [False, False, True, True, True]
    assert access.who(kiosk) is not None


def test_accounts_are_made_before_the_core_starts(path: Path) -> None:
    codes = make_accounts(path.parent, {"nadia": "nurse", "ada": "doctor", "tom": "technician"})
    assert all(re.fullmatch(r"[0-9]{10}", code) for code in codes.values())
    assert keeper(path).accounts() == [
        Account("ada", "doctor"),
        Account("nadia", "nurse"),
        Account("tom", "technician"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AccessError, match="cannot be written"):
        make_accounts(path.parent / "nowhere", {"nadia": "nurse"})


async def test_neither_name_nor_code_is_logged_or_repeated(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    access = keeper(path)
    with caplog.at_level("DEBUG"), pytest.raises(Refusal) as refusal:
        await access.sign_in("jeanne-martin", "9876543210", "nurse")
    assert "jeanne" not in caplog.text + str(refusal.value)
    assert "9876543210" not in caplog.text + str(refusal.value)


async def test_nothing_is_computed_for_what_cannot_be_a_code(gate: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def watched(code: str, stored: str) -> bool:
        asked.append(code)
        return fits(code, stored)

    monkeypatch.setattr(sign_in_module, "fits", watched)
    await refused(gate, "x" * 1000, "1" * 100_000)
    assert [len(code) <= 64 for code in asked] == [True]
