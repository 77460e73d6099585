"""The small parts: attempts, sessions, secrets, charts, percentiles, numbers as text."""

import stat
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.api import api_keys
from backend.api.attempts import PER_ADDRESS, PER_PERSON, WINDOW_S, SignInAttempts, network_of
from backend.api.charts import HEIGHT, Column, column_chart, round_up
from backend.api.passwords import ONE_TIME_ALPHABET, one_time_password, password_problem
from backend.api.secret_file import SECRET_BYTES, load_or_create_secret
from backend.api.sessions import SessionSigner
from backend.api.static_files import StaticFiles
from backend.api.templating import STATIC, duration, label, make_environment, money, ms
from backend.api.turn_timings import percentile
from backend.core.errors import ConfigError


def test_a_person_at_one_address_has_five_attempts_in_a_window() -> None:
    attempts = SignInAttempts()
    assert [attempts.attempt("ada", "10.0.0.1", t) for t in range(5)] == [0] * 5
    assert attempts.attempt("Ada ", "10.0.0.1", 60) == WINDOW_S - 60
    assert attempts.attempt("ada", "10.0.0.1", WINDOW_S) == 0


def test_others_at_the_address_and_the_person_elsewhere_are_not_held_up() -> None:
    attempts = SignInAttempts()
    for t in range(6):
        attempts.attempt("ada", "10.0.0.1", t)
    assert attempts.attempt("bob", "10.0.0.1", 6) == 0
    assert attempts.attempt("ada", "10.0.0.2", 6) == 0


def test_an_address_that_tries_many_names_is_held_up() -> None:
    attempts = SignInAttempts()
    for number in range(PER_ADDRESS.attempts):
        assert attempts.attempt(f"name{number}", "10.0.0.1", 0) == 0
    assert attempts.attempt("another", "10.0.0.1", 0) > 0


def test_a_person_tried_from_everywhere_is_protected_too() -> None:
    attempts = SignInAttempts()
    for number in range(PER_PERSON.attempts):
        assert attempts.attempt("ada", f"10.0.{number // 250}.{number % 250}", 0) == 0
    assert attempts.attempt("ada", "10.9.9.9", 0) > 0


def test_success_gives_back_what_it_used() -> None:
    attempts = SignInAttempts()
    for _ in range(200):
        assert attempts.attempt("ada", "10.0.0.1", 0) == 0
        attempts.succeeded("ada", "10.0.0.1")


def test_success_of_one_does_not_give_back_what_another_used() -> None:
    attempts = SignInAttempts()
    for number in range(PER_ADDRESS.attempts - 1):
        attempts.attempt(f"name{number}", "10.0.0.1", 0)
    attempts.attempt("ada", "10.0.0.1", 0)
    attempts.succeeded("ada", "10.0.0.1")
    assert attempts.attempt("x", "10.0.0.1", 0) == 0
    assert attempts.attempt("y", "10.0.0.1", 0) > 0


def test_a_flood_of_names_does_not_fill_the_memory() -> None:
    attempts = SignInAttempts(most_keys=100)
    for number in range(5000):
        attempts.attempt(
            f"name{number}", f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", 0
        )
    assert len(attempts._made_at_s) <= 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
    ],
)
def test_an_ipv6_customer_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


def test_a_session_survives_its_cookie_and_nothing_else_does() -> None:
    signer = SessionSigner(b"a" * 32)
    session = signer.issue(7, "hash", 1000.0)
    cookie = signer.encode(session)
    assert signer.decode(cookie, 1000.0) == session
    assert SessionSigner(b"b" * 32).decode(cookie, 1000.0) is None
    assert session.credential == signer.credential("hash") != signer.credential("other")


@given(st.text(max_size=200))
def test_no_text_is_a_session_or_a_form_token(text: str) -> None:
    signer = SessionSigner(b"a" * 32)
    assert signer.decode(text, 0.0) is None
    assert not signer.form_token_fits("nonce", text)


@given(st.text(max_size=100))
def test_no_text_breaks_the_reading_of_keys(text: str) -> None:
    prefix = api_keys.prefix_of(text)
    assert prefix is None or text.startswith(prefix)


def test_the_secret_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "session.key"
    secret = load_or_create_secret(path)
    assert len(secret) == SECRET_BYTES
    assert load_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["session.key"]


def test_a_secret_that_became_readable_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "session.key"
    load_or_create_secret(path)
    path.chmod(0o644)
    load_or_create_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"abcd", b"\xff\xfe", b"not hex at all" * 10])
def test_a_damaged_secret_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "session.key"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="Delete the file"):
        load_or_create_secret(path)


def test_a_secret_that_cannot_be_kept_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="FRONTDESK_DATA_DIR"):
        load_or_create_secret(tmp_path / "file" / "session.key")


def test_one_time_passwords_are_long_different_and_easy_to_copy() -> None:
    passwords = {one_time_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(set(password) <= set(ONE_TIME_ALPHABET + "-") for password in passwords)
    assert not set("ilo01") & set(ONE_TIME_ALPHABET)
    assert all(not password_problem(password, user_name="owner") for password in passwords)


def columns(*calls: int) -> list[Column]:
    """As many columns with that many calls, half of them contained."""
    return [Column(f"No. {number}", count, count // 2) for number, count in enumerate(calls, 1)]


def test_a_chart_of_nothing_has_no_bars() -> None:
    assert column_chart(columns()).bars == []
    assert column_chart(columns(0, 0)).bars == []


def test_bars_stand_on_the_ground_and_are_as_high_as_their_calls() -> None:
    chart = column_chart(columns(4, 0, 2))
    high, low = chart.bars
    assert chart.ticks == (4, 2, 0)
    assert (high.rest_y, high.rest_height, high.contained_height) == (0, HEIGHT / 2, HEIGHT / 2)
    assert (
        high.contained_y + high.contained_height == low.contained_y + low.contained_height == HEIGHT
    )
    assert low.words == "No. 3: 2 calls, 1 by the bot alone"


@given(st.lists(st.integers(0, 10**7), max_size=400))
def test_every_bar_is_inside_its_chart(calls: list[int]) -> None:
    chart = column_chart(columns(*calls))
    for bar in chart.bars:
        assert 0 <= bar.x < bar.x + bar.width <= chart.width
        assert -0.02 <= bar.rest_y <= bar.contained_y <= HEIGHT
        assert bar.contained_y + bar.contained_height == pytest.approx(HEIGHT, abs=0.02)
    assert len(chart.labels) <= 3


@given(st.integers(0, 10**9))
def test_the_top_of_the_axis_is_above_everything_and_not_far(most: int) -> None:
    top = round_up(most)
    assert top % 2 == 0
    assert most <= top <= max(2, 2 * most + 1)


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_among_the_values(values: list[float], fraction: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, fraction)
    assert found is not None
    assert ordered[0] <= found <= ordered[-1]


def test_percentiles_of_known_values() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([1, 2, 3, 4], 1.0) == 4


def test_numbers_are_written_as_people_write_them() -> None:
    assert [ms(None), ms(0.0123), ms(0.9994), ms(0.9996), ms(2.5)] == [
        "–",
        "12 ms",
        "999 ms",
        "1.00 s",
        "2.50 s",
    ]
    assert [duration(0), duration(59.6), duration(3725), duration(None)] == [
        "0:00",
        "1:00",
        "1:02:05",
        "–",
    ]
    assert money(Decimal("1234.5"), "USD") == "$1,234.50"
    assert money(Decimal(-3), "CHF") == "−3.00 CHF"
    assert [label("in_progress"), label("llm"), label("")] == ["In progress", "LLM", ""]


def test_times_are_those_on_the_wall_of_the_business() -> None:
    environment = make_environment(timezone(timedelta(hours=-5)), StaticFiles(STATIC))
    moment = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert environment.filters["when"](moment) == "20 Nov 2026, 21:30"
