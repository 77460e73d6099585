"""Written calls played by telephone against a running Frontdesk."""

import asyncio
from pathlib import Path

import pytest

from backend.cli.eval_calls import open_knowledge
from backend.cli.scenario_call import play_as_calls
from backend.cli.scenario_files import read_scenarios
from backend.cli.scenario_play import Played
from tests.support.frontdesk import Frontdesk

pytestmark = pytest.mark.pbx

CALLS = """\
scenarios:
  - name: the balance is told
    policy: billing
    person: "2001"
    steps:
      - say: what is my account balance
      - keys: "1004"
        slots: {customer_number: "1004"}
        facts: ["$123.45"]
      - say: goodbye
        ends: completed
  - name: what nobody says
    policy: faq
    person: "2001"
    forbidden: [thank you for calling]
    steps:
      - say: what are your opening hours
        facts: [the moon]
        ticket: {type: sales}
  - name: nobody is silent on purpose
    policy: reprompts
    person: "2001"
    steps:
      - silence: true
"""


def test_written_calls_are_judged_by_what_is_stored(frontdesk: Frontdesk, tmp_path: Path) -> None:
    file = tmp_path / "calls.yaml"
    file.write_text(CALLS, encoding="utf-8")

    async def played() -> list[Played]:
        return await play_as_calls(
            read_scenarios(file),
            frontdesk.settings,
            await open_knowledge(frontdesk.settings),
            seeds=[1],
            voices=["rms"],
            at_once=2,
            extension="200",
        )

    balance, nonsense = asyncio.run(played())
    assert balance.mistakes == []
    assert (balance.turns, balance.contained, balance.voice) == (3, True, "rms")
    assert balance.took_ms
    assert "“the moon” was not said" in nonsense.mistakes
    assert "“thank you for calling” was said" in nonsense.mistakes
    assert "0 tickets were opened, not 1" in nonsense.mistakes
    assert nonsense.mistakes[-1].startswith("understood was: ")
