"""The bench's arithmetic and its judgement; the calls themselves are the system tests' matter."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cli.bench import Held, ear_spreads, plan_calls
from backend.cli.bench_figures import conditions, percentile, spread, table, turn_spreads
from backend.cli.bench_processes import load, usage
from backend.cli.bench_scenarios import SCENARIOS, Fact, Scenario, is_right, recognised
from backend.core.records import CallOutcome, TicketType
from backend.db.models import Who
from backend.db.queries.calls import CallDetail, CallRecord, TurnRecord
from backend.db.queries.tickets import TicketRecord
from backend.phone.script import Record, RecordKind
from tests.cli.records import made

FACTS = {Fact.BALANCE: ("123.45",), Fact.HOURS: ("Monday to Friday",), Fact.PRICES: ("$29", "$45")}


def _call(
    *bot: str, tickets: tuple[TicketType, ...] = (), outcome: CallOutcome = CallOutcome.COMPLETED
) -> CallDetail:
    return CallDetail(
        call=made(CallRecord, outcome=outcome),
        turns=[made(TurnRecord, who=Who.BOT, text=text) for text in bot],
        events=[],
        tickets=[made(TicketRecord, type=kind) for kind in tickets],
    )


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_enough_of_them_do_not_exceed_it(
    values: list[float], fraction: float
) -> None:
    found = percentile(values, fraction)
    assert found in values
    assert sum(value <= found for value in values) >= fraction * len(values)


def test_percentiles_of_a_hundred_are_the_ranks() -> None:
    summed_up = spread([float(number) for number in range(100, 0, -1)])
    assert summed_up is not None
    assert (summed_up.p50_s, summed_up.p95_s, summed_up.max_s) == (50, 95, 100)


def test_of_nothing_there_is_no_percentile() -> None:
    assert spread([]) is None
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_only_timed_turns_count_and_work_is_what_happens_after_the_recording() -> None:
    call = _call("Hello.")
    timed = {"endpoint_wait_s": 1.0, "recognition_s": 0.05, "thinking_s": 0.01}
    call.turns.append(made(TurnRecord, who=Who.BOT, total_s=1.07, first_audio_s=0.002, **timed))
    found = turn_spreads([call])
    assert found["work"] is not None
    assert found["work"].count == 1
    assert found["work"].p50_s == pytest.approx(0.062)
    assert found["transport"] is None


def test_the_right_amount_is_a_right_answer_and_another_is_not() -> None:
    asks = Scenario(("how much do i owe",), tells=Fact.BALANCE)
    assert is_right(asks, _call("Thank you.", "Your balance is $123.45."), FACTS)
    assert not is_right(asks, _call("Your balance is $45.00."), FACTS)


def test_a_list_of_prices_is_right_only_when_it_is_whole() -> None:
    asks = Scenario(("your prices",), tells=Fact.PRICES)
    assert is_right(asks, _call("Basic is $29.", "Family is $45."), FACTS)
    assert not is_right(asks, _call("Basic is $29."), FACTS)


def test_a_ticket_nobody_asked_for_makes_an_answer_wrong() -> None:
    hours = Scenario(("when are you open",), tells=Fact.HOURS)
    answer = "Monday to Friday from eight to six."
    assert is_right(hours, _call(answer), FACTS)
    assert not is_right(hours, _call(answer, tickets=(TicketType.CALLBACK,)), FACTS)


def test_the_wrong_kind_of_ticket_is_wrong() -> None:
    down = Scenario(("my internet is down",), ticket=TicketType.TECHNICAL)
    assert is_right(down, _call(tickets=(TicketType.TECHNICAL,)), FACTS)
    assert not is_right(down, _call(tickets=(TicketType.COMPLAINT,)), FACTS)
    assert not is_right(down, _call(), FACTS)


def test_being_put_through_is_as_right_as_a_call_back_for_who_wants_a_person() -> None:
    person = Scenario(("a person please",), ticket=TicketType.CALLBACK, may_transfer=True)
    assert is_right(person, _call(outcome=CallOutcome.TRANSFERRED), FACTS)
    assert is_right(person, _call(tickets=(TicketType.CALLBACK,)), FACTS)
    assert not is_right(person, _call(), FACTS)


def test_what_was_recognised_names_keys_and_silence_too() -> None:
    call = _call("Hello.")
    for text, digits, kind in (("hi", "", "words"), ("", "1004", "digits"), ("", "", "silence")):
        call.turns.append(made(TurnRecord, who=Who.CALLER, text=text, digits=digits, kind=kind))
    assert recognised(call) == ["hi", "1004", "(silence)"]


def test_every_voice_says_everything_once_the_rounds_are_over() -> None:
    plans = plan_calls(3 * len(SCENARIOS), ["slt", "awb", "rms"])
    assert len({plan.caller for plan in plans}) == len(plans)
    assert set(Counter((p.voice, p.scenario.says) for p in plans).values()) == {1}


def test_the_greeting_is_not_an_answer() -> None:
    (plan,) = plan_calls(1, ["slt"])
    records = [
        Record(RecordKind.ANSWERED, 0, 0),
        Record(RecordKind.BOT, 0.1, 3, latency_s=0.1),
        Record(RecordKind.CALLER, 4, 5),
        Record(RecordKind.BOT, 6.1, 9, latency_s=1.1),
        Record(RecordKind.BOT, 11, 12, latency_s=6.0),
    ]
    found = ear_spreads([Held(plan, records)])
    assert found["caller's ear: greeting"] == spread([0.1])
    assert found["caller's ear: answer"] == spread([1.1])


def test_the_load_of_this_process_is_what_it_computed() -> None:
    own = int(Path("/proc/self").readlink().name)
    before = usage(own)
    began = datetime.now(UTC)
    while (datetime.now(UTC) - began).total_seconds() < 0.1:
        pass
    measured = load(before, usage(own))
    assert measured.cpu_percent > 5
    assert measured.rss_mb > 1


def test_figures_are_printed_in_milliseconds_and_what_was_not_measured_as_a_dash() -> None:
    head, answers, transport = table({"answers": spread([0.1, 0.2, 0.3]), "transport": None})
    assert head.split() == ["ms", "p50", "p95", "max", "n"]
    assert answers.split() == ["answers", "200", "300", "300", "3"]
    assert transport.split() == ["transport", "-"]


def test_figures_name_what_they_depend_on() -> None:
    named = conditions(["slt"], {"recogniser": "pocketsphinx"})
    assert named["voices"] == ["slt"]
    assert named["recogniser"] == "pocketsphinx"
    assert named.keys() >= {"date", "cores", "load_average"}
