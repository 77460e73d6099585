"""What the caller hears for what the agent wrote."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.tts.speakable import MAX_WORDS, speakable

MONEY = {
    "Your balance is $42.50.": "Your balance is forty-two dollars and fifty cents.",
    "You owe $0.00.": "You owe zero dollars.",
    "It is $1.": "It is one dollar.",
    "It is $0.99.": "It is ninety-nine cents.",
    "It is $1.01.": "It is one dollar and one cent.",
    "It is $7.5.": "It is seven dollars and fifty cents.",
    "A credit of -$5.00.": "A credit of minus five dollars.",
    "Due: $1,234.56": "Due: one thousand two hundred and thirty-four dollars and fifty-six cents.",
    "That is £3.50.": "That is three pounds and fifty pence.",
    "That is £0.01.": "That is one penny.",
    "That is €42,50.": "That is forty-two euros and fifty cents.",
    "That is 1.234,56 €.": (
        "That is one thousand two hundred and thirty-four euros and fifty-six cents."
    ),
    "That is ¥500.": "That is five hundred yen.",
    "That is ₹1,200.": "That is one thousand two hundred rupees.",
    "That is 42.50 USD.": "That is forty-two dollars and fifty cents.",
    "That is CHF 12.05.": "That is twelve Swiss francs and five centimes.",
    "That is C$20.": "That is twenty Canadian dollars.",
    "That is 75¢.": "That is seventy-five cents.",
    "About $3.5M.": "About three point five million dollars.",
    "About $2 billion.": "About two billion dollars.",
    "From $20-$30/month.": "From twenty to thirty dollars per month.",
    "Only $5/mo.": "Only five dollars per month.",
}
NUMBERS_OF_SOMEBODY = {
    "Your ticket number is 482915.": "Your ticket number is four eight two, nine one five.",
    "Ticket #482915 is open.": "Ticket four eight two, nine one five is open.",
    "Ticket no. 4829.": "Ticket number four eight two nine.",
    "Tickets 482915 and 482916.": (
        "Tickets four eight two, nine one five and four eight two, nine one six."
    ),
    "Customer number 1004, right?": "Customer number one zero zero four, right?",
    "You said 1 0 0 4.": "You said one zero zero four.",
    "You said 1-0-0-4.": "You said one zero zero four.",
    "Account 00123456.": "Account zero zero one two, three four five six.",
    "The card ending in 4242.": "The card ending in four two four two.",
    "Card 4242 4242 4242 4242.": ", ".join(["Card four two four two"] + ["four two four two"] * 3)
    + ".",
    "Sort code 12-34-56.": "Sort code one two, three four, five six.",
    "Agent 007.": "Agent zero zero seven.",
    "Room 204.": "Room two zero four.",
    "Call (555) 123-4567.": "Call five five five, one two three, four five six seven.",
    "Call 555-0123.": "Call five five five, zero one two three.",
    "Call 1-800-555-0199.": "Call one, eight hundred, five five five, zero one nine nine.",
    "Call +44 20 7946 0958.": (
        "Call plus four four, two zero, seven nine four six, zero nine five eight."
    ),
    "Call 555-123-4567 x12.": (
        "Call five five five, one two three, four five six seven, extension one two."
    ),
    "You are #3 in line.": "You are number three in line.",
    "The 192.168.1.1 router.": ("The one nine two dot one six eight dot one dot one router."),
    "Invoice INV-204.": "Invoice I N V two zero four.",
    "Order 12345678.": "Order one two three four, five six seven eight.",
}
QUANTITIES = {
    "We have 1500 customers.": "We have one thousand five hundred customers.",
    "We have 1,000,000 users.": "We have one million users.",
    "We have 25000 users.": "We have twenty-five thousand users.",
    "It is 3.14.": "It is three point one four.",
    "It is -5 °C.": "It is minus five degrees Celsius.",
    "You get 100 Mbps.": "You get one hundred megabits per second.",
    "You get 1 GB.": "You get one gigabyte.",
    "You get 1.5 TB.": "You get one point five terabytes.",
    "Wait 30s.": "Wait thirty seconds.",
    "Wait 5-10 min. please.": "Wait five to ten minutes please.",
    "12.5% off.": "twelve point five percent off.",
    "5-10% off.": "five to ten percent off.",
    "The 1st, 22nd and 103rd.": "The first, twenty-second and one hundred and third.",
    "It takes 3-5 days.": "It takes three to five days.",
    "A 2-year contract.": "A two year contract.",
    "1/2 price.": "one half price.",
    "2½ hours.": "two and one half hours.",
    "3/4 full.": "three quarters full.",
    "Open 24/7.": "Open twenty-four seven.",
    "Version 1.2.3.": "Version one point two point three.",
    "With 5G and Wi-Fi 6.": "With five G and Wi-Fi six.",
    "~20 people.": "about twenty people.",
    "3:1 odds.": "three to one odds.",
}
TIME = {
    "Due on 2026-05-03.": "Due on May third, twenty twenty-six.",
    "Due on 5/3/2026.": "Due on May third, twenty twenty-six.",
    "Due on 31/12/2026.": "Due on December thirty-first, twenty twenty-six.",
    "Due on 3.5.2026.": "Due on May third, twenty twenty-six.",
    "Due on May 3rd, 2026.": "Due on May third, twenty twenty-six.",
    "Due on Jan. 5.": "Due on January fifth.",
    "Due on 3 May 2026.": "Due on the third of May, twenty twenty-six.",
    "Due in May 2026.": "Due in May twenty twenty-six.",
    "Since 1998.": "Since nineteen ninety-eight.",
    "In the 1990s.": "In the nineteen nineties.",
    "In 2024-2026.": "In twenty twenty-four to twenty twenty-six.",
    "At 2026-05-03T14:30:00Z.": "At May third, twenty twenty-six, at two thirty P M.",
    "At 3:30 pm.": "At three thirty P M.",
    "At 15:30.": "At three thirty P M.",
    "At 9:05.": "At nine oh five.",
    "At 9:00.": "At nine o'clock.",
    "At 00:15.": "At twelve fifteen A M.",
    "At 9 a.m. Please call.": "At nine A M. Please call.",
    "At 9 a.m. sharp.": "At nine A M sharp.",
    "Open 9am-5pm, Mon-Fri.": "Open nine A M to five P M, Monday to Friday.",
    "From 9-5pm.": "From nine to five P M.",
    "See you Tue, 5 May.": "See you Tuesday, the fifth of May.",
}
WORDS = {
    "**Bold** and *italic* and `code`.": "Bold and italic and code.",
    "# Opening hours": "Opening hours.",
    "- First\n- Second": "First. Second.",
    "1. Unplug it.\n2. Wait.": "one: Unplug it. two: Wait.",
    "See [our site](https://acme.com/a).": "See our site.",
    "| Plan | Price |\n|---|---|\n| Basic | $5 |": "Plan, Price. Basic, five dollars.",
    "Line one\nline two.": "Line one line two.",
    "<b>Hello</b><br>there": "Hello there.",
    "Visit https://www.acme.com/help?id=3.": "Visit acme dot com slash help.",
    "Visit acme.co.uk now.": "Visit acme dot co dot U K now.",
    "Mail bob.smith_42@acme-corp.com.": (
        "Mail bob dot smith underscore four two at acme dash corp dot com."
    ),
    "Mail help@blueharbor.example.": "Mail help at blueharbor dot example.",
    "Dr. Smith, 12 Main St.": "Doctor Smith, twelve Main Street.",
    "Near St. Louis, e.g. here.": "Near Saint Louis, for example here.",
    "Your DSL and your ID.": "Your D S L and your I D.",
    "The U.S. office.": "The U S office.",
    "Call back ASAP.": "Call back as soon as possible.",
    "A & B, yes/no.": "A and B, yes or no.",
    "Press * or # now.": "Press star or pound now.",
    "5 * 3": "five times three.",
    "Caf\u00e9 \U0001f600 it\u2019s \u201cfine\u201d \u2014 really": "Café it's fine, really.",
    "Thanks!!! Really?! ... ok": "Thanks! Really? ok.",
    "zero\u200bwidth": "zerowidth.",
}
TABLE = MONEY | NUMBERS_OF_SOMEBODY | QUANTITIES | TIME | WORDS


@pytest.mark.parametrize(("written", "spoken"), TABLE.items())
def test_it_is_read_as_a_person_would(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize("nothing", ["", "   ", "...", "\U0001f600", "\x00\x1b", "***", "-- ?!"])
def test_what_has_no_words_is_empty(nothing: str) -> None:
    assert speakable(nothing) == ""


@pytest.mark.parametrize("impossible", ["2026-13-45", "99/99/2026", "75:90", "31.02.2026"])
def test_what_only_looks_like_a_date_or_time_is_still_read(impossible: str) -> None:
    assert len(speakable(impossible).split()) >= 2


def test_a_long_text_ends_with_a_whole_sentence() -> None:
    text = "This is a sentence of seven words. " * 40
    spoken = speakable(text)
    assert len(spoken.split()) == MAX_WORDS - MAX_WORDS % 7
    assert spoken.endswith("seven words.")


def test_one_endless_sentence_ends_at_a_clause() -> None:
    assert speakable("one two three four, " * 60).endswith("three four.")


def test_a_text_without_any_end_is_cut_all_the_same() -> None:
    assert len(speakable("word " * 1000).split()) == MAX_WORDS


_ODD = """$ £ 12 3.5 1,234 - / : am p.m. ticket # * _ ` | % GB 1st Dr. St. e.g. U.S. IDs DSL ½ ² é ß
    名 ' " ( ) ~ <b> &amp; 24/7 Mon-Fri May 0 00 999999999999999999999 in 5 x No. ... !? [a](b)
    http://x.com/1 a@b.co 05/06/2024 2024-01-02 +1 (555) \U0001f600 \u200b \x00"""
_FRAGMENTS = st.sampled_from(_ODD.split())
_TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(_FRAGMENTS, max_size=25).map("".join),
    st.lists(_FRAGMENTS, max_size=25).map(" ".join),
    st.lists(_FRAGMENTS, max_size=25).map("\n".join),
)


@settings(max_examples=400, deadline=None)
@given(_TEXTS)
def test_no_text_breaks_it(text: str) -> None:
    spoken = speakable(text)
    kinds = {unicodedata.category(char)[0] for char in spoken}
    assert not kinds & {"N", "C", "S"}, "digits, control characters or symbols are left"
    assert not re.search(r"[^\W\d]?[\"*_#`<>|@/\\()\[\]{}%&]", spoken), "markup is left"
    assert len(spoken.split()) <= MAX_WORDS
    assert spoken == spoken.strip()
    assert speakable(spoken) == spoken, "saying it twice changes it"


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=99_999_999), st.sampled_from(["ticket", "account"]))
def test_every_named_number_is_spelled_digit_by_digit(number: int, what: str) -> None:
    digits = f"{number:04d}"
    names = [speakable(digit).rstrip(".") for digit in "0123456789"]
    spoken = speakable(f"Your {what} number is {digits}.")
    heard = re.sub(r"[,.]", "", spoken.partition(" is ")[2]).split()
    assert heard == [names[int(digit)] for digit in digits]


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=99))
def test_an_amount_keeps_both_its_parts(whole: int, cents: int) -> None:
    spoken = speakable(f"You owe ${whole:,}.{cents:02d}.")
    assert ("dollar" in spoken) == (whole > 0 or cents == 0)
    assert ("cent" in spoken) == (cents > 0)
