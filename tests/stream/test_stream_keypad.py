"""Keys as input."""

import asyncio
from collections.abc import Callable

import pytest

from backend.telephony.stream.keypad import BETWEEN_KEYS_S, Keypad
from tests.support.virtual_time import run_with_clock

Clock = Callable[[], float]


@pytest.mark.parametrize(
    ("keys", "most", "read", "left"),
    [
        ("1004", 4, "1004", ""),
        ("10#", 4, "10", ""),
        ("#", 4, "", ""),
        ("1", 1, "1", ""),
        ("10041", 4, "1004", "1"),
        ("10#77", 4, "10", "77"),
    ],
)
def test_input_ends_with_its_length_or_the_end_key(
    keys: str, most: int, read: str, left: str
) -> None:
    async def test(clock: Clock) -> None:
        keypad = Keypad()
        for key in keys:
            keypad.press(key)
        began_s = clock()
        assert await keypad.read(most) == read
        assert clock() == began_s
        assert keypad.pressed == left

    run_with_clock(test)


def test_a_pause_ends_the_input() -> None:
    async def test(clock: Clock) -> None:
        keypad = Keypad()
        reading = asyncio.ensure_future(keypad.read(8))
        await asyncio.sleep(10)
        keypad.press("1")
        await asyncio.sleep(BETWEEN_KEYS_S - 0.1)
        keypad.press("2")
        began_s = clock()
        assert await reading == "12"
        assert clock() - began_s == pytest.approx(BETWEEN_KEYS_S)
        assert not keypad.is_in_use

    run_with_clock(test)
