"""Values in what callers say: the table of phrasings, and everything no table thinks of."""

import string
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.slots.address import AddressReader
from backend.agent.slots.customer_number import CustomerNumberReader
from backend.agent.slots.email import EmailReader
from backend.agent.slots.money import MoneyReader
from backend.agent.slots.numbers import Length
from backend.agent.slots.person_name import NameReader
from backend.agent.slots.phone import PhoneReader
from backend.agent.slots.readers import slot_readers
from backend.agent.slots.slot import CERTAIN, SlotReader
from backend.agent.slots.when_slot import WhenReader
from backend.agent.slots.yes_no_slot import YesNoReader
from backend.cli.eval_slots import NOW, SlotReport, evaluate, read_table
from backend.config import ROOT

READERS = slot_readers(NOW, Length(4, 4))
TABLE = ROOT / "tests" / "agent" / "slots"
SLOWEST_S = 2.0
"""What any one text may take, on a machine with much else to do. Usual is well under a millisecond;
a pattern that tries everything takes minutes."""


@pytest.fixture(scope="module")
def report() -> SlotReport:
    return evaluate(read_table(TABLE))


# The table


@pytest.mark.parametrize("family", sorted(READERS))
def test_every_family_is_read_rightly(report: SlotReport, family: str) -> None:
    misses = [miss for miss in report.misses if miss.family == family]
    right, of = report.families[family]
    assert right / of >= 0.98, misses


def test_the_table_is_large_enough_to_mean_something(report: SlotReport) -> None:
    assert sum(of for _, of in report.families.values()) >= 300
    assert report.sentences_without >= 200


def test_next_to_nothing_is_found_where_there_is_nothing(report: SlotReport) -> None:
    assert report.wrong_guesses <= 0.01, report.guesses


# How sure, where, and how it is said back


@pytest.mark.parametrize(
    ("family", "said", "read_back"),
    [
        ("phone", "two one two five five five oh one two three", "212 555 0123"),
        ("phone", "five five five one two three four", "555 1234"),
        ("phone", "+44 20 7946 0958", "plus 44 20 7946 0958"),
        ("phone", "617 555 0142 ext 12", "617 555 0142, extension 12"),
        ("money", "forty five fifty", "$45.50"),
        ("date_time", "next tuesday at half past three", "Tuesday, November 24 at 3:30 PM"),
        ("date_time", "tomorrow morning", "Thursday, November 19 in the morning"),
        ("time", "between two and four", "Wednesday, November 18 between 2 PM and 4 PM"),
        ("date", "next week", "between Monday, November 23 and Sunday, November 29"),
        ("time", "any time", "any time"),
        ("email", "john dot doe at gmail dot com", "J O H N, dot, D O E at gmail dot com"),
        ("name", "smith s m y t h", "Smyth, S M Y T H"),
        ("address", "555 Sunset Boulevard 90210", "555 Sunset Boulevard, 9 0 2 1 0"),
        ("yes_no", "yes please", "yes"),
    ],
)
def test_a_value_is_read_back_as_it_can_be_checked(family: str, said: str, read_back: str) -> None:
    found = READERS[family].read(said)
    assert found is not None
    assert found.read_back == read_back


@pytest.mark.parametrize(
    ("family", "said", "words"),
    [
        ("phone", "call me on 212 555 0123 please", "212 555 0123"),
        ("money", "I was charged $84.50 twice", "$84.50"),
        ("date_time", "could you call on friday at three please", "friday at three"),
        ("email", "it's john.doe@gmail.com, thanks", "john.doe@gmail.com"),
        ("name", "hi my name is Maria Santos and i have a question", "Maria Santos"),
        ("address", "i live at 12 Quay Street", "12 Quay Street"),
    ],
)
def test_the_span_is_where_the_value_stands(family: str, said: str, words: str) -> None:
    found = READERS[family].read(said)
    assert found is not None
    assert said[slice(*found.span)] == words


@pytest.mark.parametrize(
    ("family", "sure", "less_sure"),
    [
        ("customer_number", "one zero zero four", "one zero no one one zero four"),
        ("phone", "two one two five five five oh one two three", "five five five oh one two three"),
        ("money", "forty five dollars", "forty five"),
        ("date_time", "friday at three p m", "friday at three"),
        ("date", "next tuesday", "next friday"),
        ("date", "on friday", "on friday or saturday"),
        ("name", "my name is john smith", "xiao ling zhang"),
        ("yes_no", "yes", "yes and my wife too"),
    ],
)  # fmt: skip
def test_what_was_filled_in_or_corrected_is_less_sure(
    family: str, sure: str, less_sure: str
) -> None:
    certain, doubtful = READERS[family].read(sure), READERS[family].read(less_sure)
    assert certain is not None
    assert doubtful is not None
    assert certain.confidence == CERTAIN
    assert doubtful.confidence < CERTAIN


def test_the_day_depends_on_where_the_caller_is() -> None:
    late_in_berlin = datetime(2026, 11, 18, 23, 30, tzinfo=ZoneInfo("UTC")).astimezone(
        ZoneInfo("Europe/Berlin")
    )
    found = WhenReader(late_in_berlin).read("tomorrow at ten")
    assert str(found and found.value) == "2026-11-20 10:00"


@pytest.mark.parametrize(
    ("today", "said", "value"),
    [
        ("2026-12-31T10:00:00", "tomorrow", "2027-01-01"),
        ("2027-01-31T10:00:00", "in a month", "2027-02-28"),
        ("2028-02-28T10:00:00", "tomorrow", "2028-02-29"),
        ("2026-11-15T10:00:00", "next monday", "2026-11-16"),
        ("2026-11-16T10:00:00", "monday", "2026-11-23"),
        ("2026-11-18T23:50:00", "in half an hour", "2026-11-19 00:20"),
    ],
)
def test_days_are_counted_across_months_and_years(today: str, said: str, value: str) -> None:
    reader = WhenReader(datetime.fromisoformat(today + "+00:00"))
    found = reader.read(said)
    assert str(found and found.value) == value


@pytest.mark.parametrize("said", ["the thirty first of february", "february 30th", "13/13/2026"])
def test_a_day_that_does_not_exist_is_none(said: str) -> None:
    assert READERS["date"].read(said) is None


def test_numbers_of_another_country_are_read_by_its_plan() -> None:
    found = PhoneReader("GB").read("oh two oh seven nine four six oh nine five eight")
    assert str(found and found.value) == "+442079460958"
    assert PhoneReader("US").read("one two three four five six seven eight") is None


# Keys


@pytest.mark.parametrize(
    ("reader", "keys", "value"),
    [
        (CustomerNumberReader(Length(4, 4)), "1004#", "1004"),
        (PhoneReader(), "2125550123#", "+12125550123"),
        (PhoneReader(), "99*2125550123#", "+12125550123"),
        (MoneyReader(), "45*50#", "USD 45.50"),
        (MoneyReader(), "45", "USD 45.00"),
        (WhenReader(NOW), "1530#", "2026-11-18 15:30"),
        (YesNoReader(), "1", "yes"),
        (YesNoReader(), "2#", "no"),
    ],
)
def test_keys_are_a_way_to_say_it(reader: SlotReader[object], keys: str, value: str) -> None:
    found = reader.keyed(keys)
    assert str(found and found.value) == value


@pytest.mark.parametrize("reader", READERS.values())
def test_keys_that_are_no_such_value_are_none(reader: SlotReader[object]) -> None:
    for keys in ("", "#", "*", "**##", "9#", "2561"):
        found = reader.keyed(keys)
        assert found is None or str(found.value), keys


@pytest.mark.parametrize("reader", [NameReader(), AddressReader(), EmailReader()])
def test_words_cannot_be_keyed(reader: SlotReader[object]) -> None:
    assert reader.keyed("2255#") is None


# What nobody thinks of

SPOKEN_WORDS = """
    one two to for four oh zero double triple hundred thousand and a half quarter past at on the
    next last tuesday may march second third no not sorry actually my name is john s m as in dot
    com gmail dollars cents bucks point street avenue apartment b from between after before in
    week weeks ago plus extension . , @ : / - $ 3 30 2026 12 99999999999999999999 o'clock p m
    """.split()


@pytest.mark.parametrize("family", sorted(READERS))
@settings(deadline=None)
@given(said=st.lists(st.sampled_from(SPOKEN_WORDS), max_size=40).map(" ".join))
def test_no_order_of_words_breaks_a_reader(family: str, said: str) -> None:
    found = READERS[family].read(said)
    if found:
        start, end = found.span
        assert 0 <= start < end <= len(said)
        assert 0 < found.confidence <= 1
        assert str(found.value)
        assert found.read_back


@pytest.mark.parametrize("family", sorted(READERS))
@settings(deadline=None)
@given(said=st.text(max_size=300))
def test_no_text_at_all_breaks_a_reader(family: str, said: str) -> None:
    found = READERS[family].read(said)
    assert found is None or found.span[1] <= len(said)


@pytest.mark.parametrize("family", sorted(READERS))
@settings(deadline=None)
@given(keys=st.text(alphabet="0123456789*#", max_size=30))
def test_no_keys_break_a_reader(family: str, keys: str) -> None:
    found = READERS[family].keyed(keys)
    assert found is None or found.confidence > 0


@pytest.mark.parametrize("family", sorted(READERS))
@pytest.mark.parametrize(
    "unit",
    [
        "a", "1", " ", "one ", "a.", "a@", "a@a.", ".", "'", "no ", "double ", "s as in sam ",
        "j o ", "twenty ", "hundred ", "in ", "next ", "the ", "at ", "dot ", "my name is ",
        "0,000", "$", "\N{COMBINING ACUTE ACCENT}", "١", "İ", "for i in range(9): x[i] += 1; ",
    ],
)  # fmt: skip
def test_endless_repetition_is_cut_short(family: str, unit: str) -> None:
    said = unit * (100_000 // len(unit))
    began = time.process_time()  # ours alone, whatever else the machine is doing
    READERS[family].read(said)
    assert time.process_time() - began < SLOWEST_S


@pytest.mark.parametrize("family", sorted(set(READERS) - {"yes_no"}))
@pytest.mark.parametrize(
    "code",
    [
        "def f(x): return x + 1",
        "select name from customers where id is not null; drop table customers",
        "<script>alert('hi')</script>",
        "for (int i = 0; i < n; i++) { sum += a[i]; }",
        "{\"key\": [true, false, null]}",
        string.punctuation,
        "",
        "   \n\t ",
    ],
)  # fmt: skip
def test_code_read_out_is_no_value(family: str, code: str) -> None:
    assert READERS[family].read(code) is None
