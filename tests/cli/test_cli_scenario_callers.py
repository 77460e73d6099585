"""Callers of written calls by telephone: when they answer the bot's questions back."""

import asyncio
from pathlib import Path

import pytest

from backend.agent.knowledge.store import KnowledgeStore
from backend.cli.patient_caller import AskedBack, Reply
from backend.cli.scenario_call import Plan, replies
from backend.cli.scenario_files import read_scenarios
from backend.cli.scenario_play import TextStage, pick_wordings
from backend.config import ROOT, Settings
from backend.core.errors import FrontdeskError
from backend.phone.script import Keys

CALL = """\
scenarios:
  - name: half a number first
    policy: verification
    steps:
      - say: what do i owe
      - say: one zero
      - say: [one zero zero four, ten oh four]
"""
AGAIN = "Please say it again, or key it in."
OWE, HALF, WHOLE = "what do i owe", "one zero", "one zero zero four"


@pytest.fixture
def reply(tmp_path: Path) -> Reply:
    async def made(folder: Path) -> Reply:
        file = folder / "calls.yaml"
        file.write_text(CALL, encoding="utf-8")
        store = KnowledgeStore(
            ROOT / "kb" / "company_kb.json", model_dir=folder, on_problem=complain
        )
        await store.start(watch=False)
        stage = TextStage(store, Settings.model_validate({}))
        (case,) = read_scenarios(file)
        answers = await stage.answers(case, 1)
        stage.close()
        plan = Plan(case, 1, "slt", pick_wordings(case.scenario, 1), answers)
        return replies(plan, store.current, AskedBack(store.current.knowledge))

    return asyncio.run(made(tmp_path))


def complain(error: FrontdeskError) -> None:
    raise error


@pytest.mark.parametrize(
    ("step", "line", "bot", "answer"),
    [
        (0, OWE, "Sorry, did you say something about your bill?", "yes"),
        (0, OWE, "Sorry, did you say something about a cancellation?", "no"),
        (0, OWE, "Sorry, I did not understand that.", OWE),
        (0, OWE, "Please tell me your 4 digit customer number.", None),
        (2, WHOLE, "Sorry, did you say the number 1004?", "yes"),
        (2, WHOLE, "Sorry, did you say the number 1008?", "no"),
    ],
)
def test_who_was_misheard_answers_the_question_back(
    reply: Reply, step: int, line: str, bot: str, answer: str | None
) -> None:
    assert reply(step, line, bot) == answer


def test_who_must_be_asked_back_goes_on_as_written(reply: Reply) -> None:
    assert reply(1, HALF, "Sorry, I did not understand that.") is None


def test_a_number_is_said_in_other_words_and_then_keyed(reply: Reply) -> None:
    first = reply(2, WHOLE, AGAIN)
    assert {WHOLE, first} == {"one zero zero four", "ten oh four"}
    assert reply(2, WHOLE, AGAIN) == Keys("1004")
