"""Written calls: the shipped ones pass, mistakes in files are named, failures are told."""

import asyncio
import json
from pathlib import Path

import pytest

from backend.agent import policies
from backend.agent.knowledge.store import KnowledgeStore
from backend.cli.eval_calls import SHIPPED, CallReport, as_figures, as_lines, play_as_text
from backend.cli.scenario_files import ScenarioFileError, read_scenarios
from backend.config import ROOT, Settings
from backend.core.errors import KnowledgeError

SETTINGS = Settings.model_validate({})


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeStore:
    def refuse(error: KnowledgeError) -> None:
        raise error

    models = tmp_path_factory.mktemp("models")
    kb = ROOT / "kb" / "company_kb.json"
    store = KnowledgeStore(kb, model_dir=models, on_problem=refuse)
    asyncio.run(store.start(watch=False))
    return store


@pytest.fixture
def written(tmp_path: Path, knowledge: KnowledgeStore) -> "Written":
    return Written(tmp_path / "calls.yaml", knowledge)


class Written:
    """A scenario file as an operator writes it."""

    def __init__(self, file: Path, knowledge: KnowledgeStore) -> None:
        self.file = file
        self._knowledge = knowledge

    def __call__(self, text: str) -> "Written":
        self.file.write_text(text, encoding="utf-8")
        return self

    def played(self, seeds: int = 1) -> CallReport:
        play = play_as_text(self.file, self._knowledge, SETTINGS, range(1, seeds + 1))
        return asyncio.run(play)

    def mistake(self) -> str:
        with pytest.raises(ScenarioFileError) as caught:
            read_scenarios(self.file)
        return str(caught.value)


ONE = """\
scenarios:
  - name: the office
    policy: faq
    steps:
      - say: [where is your office, what is your address]
"""


def test_the_shipped_calls_are_many_and_cover_every_policy() -> None:
    cases = read_scenarios(SHIPPED)
    assert len(cases) >= 60
    folder = Path(next(iter(policies.__path__)))
    named = {file.stem for file in folder.glob("[a-z]*.py")}
    assert {case.scenario.policy for case in cases} == named


def test_the_shipped_calls_pass_in_nearly_every_wording(knowledge: KnowledgeStore) -> None:
    report = asyncio.run(play_as_text(SHIPPED, knowledge, SETTINGS, range(1, 11)))
    assert report.success >= 0.98, as_lines(report)
    assert report.turn_ms(0.95) < 100


def test_the_seed_picks_the_wording(written: Written) -> None:
    report = written(ONE + "        facts: [nowhere]\n").played(seeds=10)
    said = {call.mistakes[0].split("”")[0] for call in report.played}
    assert len(said) == 2
    again = written.played(seeds=10)
    assert [call.mistakes for call in again.played] == [call.mistakes for call in report.played]


@pytest.mark.parametrize(
    ("step", "mistake"),
    [
        ("intent: billing", "the intent is faq/address, not billing"),
        ("asks: number", "it asks for open, not number"),
        ("slots: {customer_number: '1004'}", "customer_number is not known, not 1004"),
        ("facts: [[Moon, Mars]]", "“Moon” or “Mars” was not said"),
        ("forbidden: [quay street]", "“quay street” was said"),
        ("ticket: {type: sales}", "0 tickets were opened, not one"),
        ("transfer: '2001'", "the caller is put through to nobody"),
        ("ends: completed", "the call goes on"),
    ],
)
def test_what_is_not_as_it_must_be_is_told(written: Written, step: str, mistake: str) -> None:
    report = written(f"{ONE}        {step}\n").played()
    assert mistake in report.failed[0].mistakes[0]
    lines = as_lines(report)
    assert "calls.yaml line 2, seed 1: the office" in lines
    assert mistake in lines


@pytest.mark.parametrize(
    ("ticket", "mistake"),
    [
        ("{type: billing}", "of type callback, not billing"),
        ("{type: callback, priority: urgent}", "has priority normal, not urgent"),
        ("{type: callback, customer: '1004'}", "of customer nobody"),
        ("{type: callback, subject: moon}", "subject is"),
        ("{type: callback, about: moon}", "does not mention “moon”"),
    ],
)
def test_a_ticket_is_looked_at_closely(written: Written, ticket: str, mistake: str) -> None:
    text = ONE.replace("[where is your office, what is your address]", "i want a person")
    report = written(f"{text}        ticket: {ticket}\n").played()
    assert mistake in report.failed[0].mistakes[0]


def test_what_nobody_wrote_down_must_not_happen(written: Written) -> None:
    text = ONE.replace("[where is your office, what is your address]", "i want a person")
    assert "a ticket was opened" in written(text).played().failed[0].mistakes[0]


STORED = """\
scenarios:
  - name: a wrong bill
    policy: billing
    person: "2001"
    stored:
      {stored}
    steps:
      - say: my bill is wrong
      - say: one zero zero one
        ticket: {{type: billing}}
"""


@pytest.mark.parametrize(
    "stored",
    [
        "call: {outcome: caller_hung_up, intent: billing, customer: '1001', contained: true}",
        "tickets: [{type: billing, status: open, customer: '1001', assignee: '', about: wrong}]",
        "customers: [{number: '1001', balance: '45.00', plan: Family}, {number: '1002'}]",
    ],
)
def test_what_the_database_holds_can_be_expected(written: Written, stored: str) -> None:
    assert written(STORED.format(stored=stored)).played(seeds=2).failed == []


@pytest.mark.parametrize(
    ("stored", "mistake"),
    [
        ("call: {outcome: completed}", "has outcome caller_hung_up, not completed"),
        ("call: {customer: ''}", "the stored call has customer 1001, not nothing"),
        ("call: {intent: complaint}", "has intent billing, not complaint"),
        ("call: {contained: false}", "has contained True, not False"),
        ("tickets: []", "1 tickets are stored, not 0"),
        ("tickets: [{type: billing, status: closed}]", "has status open, not closed"),
        ("tickets: [{type: complaint}]", "has type billing, not complaint"),
        ("tickets: [{type: billing, subject: moon}]", "subject is"),
        ("tickets: [{type: billing, about: moon}]", "does not mention “moon”"),
        ("customers: [{number: '1001', balance: '0.00'}]", "has balance 45.00, not 0.00"),
        ("customers: [{number: '7777', plan: Family}]", "there is no customer 7777"),
    ],
)
def test_what_the_database_holds_otherwise_is_told(
    written: Written, stored: str, mistake: str
) -> None:
    (failed, *_) = written(STORED.format(stored=stored)).played().failed
    assert failed.mistakes[0].startswith("in the database: ")
    assert mistake in failed.mistakes[0]


def test_a_transfer_is_in_the_stored_call_whether_it_worked_or_not(written: Written) -> None:
    text = """\
scenarios:
  - name: put through
    policy: human
    person: "2001"
    stored:
      call: {outcome: transferred, transfer_to: "2001", contained: false}
    steps:
      - say: i want to talk to a person
        transfer: "2001"
  - name: nobody there
    policy: human
    person: "2001"
    stored:
      call: {outcome: caller_hung_up, contained: false}
    steps:
      - say: i want to talk to a person
        transfer: "2001"
      - transfer_fails: true
        ticket: {type: callback}
"""
    assert written(text).played().failed == []


def test_a_file_may_bring_its_own_customers(written: Written) -> None:
    report = written("""\
customers:
  - {number: "0042", name: Zoe Quill, balance: "7.25", currency: EUR, due: 2026-12-24}
scenarios:
  - name: her balance
    policy: billing
    steps:
      - say: what is my balance
      - say: zero zero four two
        facts: [Zoe Quill, €7.25, December 24]
""").played()
    assert report.failed == []


def test_figures_are_counted_over_all_calls(written: Written) -> None:
    report = written(
        ONE
        + """
  - name: a person
    policy: human
    person: "2001"
    steps:
      - say: hello
      - say: i want to talk to a person
        transfer: "2001"
"""
    ).played()
    figures = json.loads(as_figures(report))
    assert figures["task_success"] == 1
    assert figures["turns"] == 1.5
    assert figures["containment"] == 0.5
    assert figures["policies"] == {"faq": 1, "human": 1}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "calls.yaml is empty"),
        ("scenarios: [", "calls.yaml line 1 is no YAML"),
        ("scenarios:\n  - name: a\n   policy: b\n", "calls.yaml line 3 is no YAML"),
        ("scenarios: []\n", "calls.yaml line 1: scenarios: "),
        ("just words\n", "calls.yaml line 1: the file: "),
        (ONE.replace("policy: faq", "polcy: faq"), "line 3: scenarios.1.polcy is not known here"),
        (ONE.replace("    policy: faq\n", ""), "line 2: scenarios.1.policy is missing"),
        (ONE + "        says: hello\n", "line 6: scenarios.1.steps.1.says is not known here"),
        (ONE + "        ends: happily\n", "line 6: scenarios.1.steps.1.ends: "),
        (ONE + "        keys: '1'\n", "line 5: scenarios.1.steps.1: a step has exactly one of"),
        (ONE + "        confidence: much\n", "line 6: scenarios.1.steps.1.confidence: "),
        (ONE + "        slots: {shoe_size: 9}\n", "line 6: scenarios.1.steps.1.slots"),
        (
            ONE.replace("    steps:", "    stored: {call: {out: x}}\n    steps:"),
            "line 4: scenarios.1.stored.call.out is not known here; there are outcome, intent",
        ),
        (
            ONE.replace("    steps:", "    stored: {customers: [{numb: x}]}\n    steps:"),
            "numb is not known here; there are number, name, balance",
        ),
        (ONE + "        ticket: {type: sale}\n", "line 6: scenarios.1.steps.1.ticket.type: "),
        (ONE + "        intent: a\n        intent: b\n", "line 7: intent stands here twice"),
        (ONE + ONE.split("\n", 1)[1], "line 6: there is a scenario “the office” already"),
        ("scenarios: &all\n  - *all\n", "calls.yaml"),
        ("!!python/object/apply:os.system [ls]\n", "calls.yaml"),
        (ONE + "      - say: \x00\n", "calls.yaml is no YAML"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(
    written: Written, text: str, mistake: str
) -> None:
    assert mistake in written(text).mistake()


def test_steps_after_the_end_are_a_mistake(written: Written) -> None:
    text = f"{ONE}        ends: completed\n      - say: hello\n"
    assert "step 1 ends the call, and others follow" in written(text).mistake()


def test_a_file_that_is_not_there_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match="cannot be read"):
        read_scenarios(tmp_path / "none.yaml")
    with pytest.raises(ScenarioFileError, match="There are no scenarios"):
        read_scenarios(tmp_path)


def test_bytes_that_are_no_text_are_named(written: Written) -> None:
    written.file.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in written.mistake()
