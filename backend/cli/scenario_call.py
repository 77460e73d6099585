"""Plays written calls as real ones: a SIP phone, a voice, a running Frontdesk.

Judged by what is stored at the end, as its owner sees it: what was said, the tickets, the customer,
how the call ended. Who is asked back because of a word misheard answers, as people do.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.agent.slots.numbers import Length, spoken_number
from backend.cli.bench_calls import (
    Speech,
    callers,
    require_running,
    speak_all,
    stored_call,
)
from backend.cli.patient_caller import NO, YES, AskedBack, Meant, PatientCaller, Reply
from backend.cli.scenario_files import Case, Scenario, Step
from backend.cli.scenario_play import Played, TextStage, either, pick_wordings, wrong_tickets
from backend.cli.scenario_stored import Customers, wrong_in_database
from backend.config import Settings
from backend.core.errors import LineError
from backend.core.records import CallOutcome, TicketDraft, TicketType
from backend.db.database import Database
from backend.db.models import Who
from backend.db.queries.calls import CallDetail
from backend.db.queries.customers import find_customer
from backend.phone.phone import Phone
from backend.phone.script import (
    HangUp,
    Keys,
    Listening,
    Play,
    ReadyStep,
    RecordKind,
    Wait,
    converse,
)

_LISTENING = Listening(quiet_s=1.0, patience_s=12.0)


def can_be_called(scenario: Scenario, settings: Settings) -> bool:
    """Whether a telephone can play it against this Frontdesk: its customers are the sample ones,
    nobody else takes transfers, and nothing in it is about sound a phone cannot arrange."""
    if scenario.text_only or scenario.person != settings.human_extension:
        return False
    return all(
        (step.say or step.keys) and step.confidence == 1 and not step.transfer_fails
        for step in scenario.steps
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """A call to be made."""

    case: Case
    seed: int
    voice: str
    wordings: Sequence[str]
    answers: Sequence[str]
    """What the bot says in each step to somebody whose every word it gets."""


async def play_as_calls(
    cases: Sequence[Case],
    settings: Settings,
    knowledge: KnowledgeStore,
    *,
    seeds: Sequence[int],
    voices: Sequence[str],
    at_once: int,
    extension: str,
) -> list[Played]:
    """Every case that `can_be_called`, once for each voice and seed.

    Raises FrontdeskError when it cannot begin: nothing runs, no voice.
    """
    uri = await require_running(settings, extension)
    playable = [
        case for case in cases if not case.customers and can_be_called(case.scenario, settings)
    ]
    plans = await _plans(playable, TextStage(knowledge, settings), seeds, voices)
    said = [
        (plan.voice, words)
        for plan in plans
        for words in (*_all_wordings(plan.case.scenario), YES, NO)
    ]
    speech = await speak_all(settings, said)
    database = Database(settings.db_url)
    numbers = callers()
    room = asyncio.Semaphore(at_once)
    try:
        async with Phone() as phone, asyncio.TaskGroup() as group:
            stage = _CallStage(phone, uri, speech, database, knowledge.current, room)
            tasks = [group.create_task(stage.play(plan, next(numbers))) for plan in plans]
    finally:
        database.close()
    return [task.result() for task in tasks]


async def _plans(
    cases: Sequence[Case], stage: TextStage, seeds: Sequence[int], voices: Sequence[str]
) -> list[Plan]:
    try:
        answers = {
            (case.place, seed): await stage.answers(case, seed) for seed in seeds for case in cases
        }
    finally:
        stage.close()
    return [
        Plan(case, seed, voice, pick_wordings(case.scenario, seed), answers[case.place, seed])
        for voice in voices
        for seed in seeds
        for case in cases
    ]


class _CallStage:
    """What all calls share."""

    def __init__(
        self,
        phone: Phone,
        uri: str,
        speech: Speech,
        database: Database,
        knowledge: Snapshot,
        room: asyncio.Semaphore,
    ) -> None:
        self._phone = phone
        self._uri = uri
        self._speech = speech
        self._database = database
        self._knowledge = knowledge
        self._asked_back = AskedBack(knowledge.knowledge)
        self._room = room

    async def play(self, plan: Plan, number: str) -> Played:
        """One call, and what its record shows."""
        case, seed, voice = plan.case, plan.seed, plan.voice
        own = {text: Play(pcm, text) for (name, text), pcm in self._speech.items() if name == voice}
        reply = replies(plan, self._knowledge, self._asked_back)
        person = PatientCaller(number, reply, self._database, own)
        steps = [
            own[words] if words else Keys(step.keys or "")
            for step, words in zip(case.scenario.steps, plan.wordings, strict=True)
        ]
        # The wait makes us listen to the answer to the last step before we hang up.
        script: list[ReadyStep] = [*steps, Wait(0), HangUp()]
        async with self._room:
            try:
                call = await self._phone.dial(self._uri, caller=number)
            except LineError as error:
                return Played(case, seed, [error.message], 0, False, [], voice)
            talk = converse(call, script, listening=_LISTENING, react=person.react)
            async for record in talk:
                if record.kind is RecordKind.CALLER and record.text:
                    person.said(record.text)
        stored = await stored_call(self._database, number)
        if stored is None:
            mistake = "the call is not in the database, or never ended there"
            return Played(case, seed, [mistake], 0, False, [], voice)
        rows = case.scenario.stored.customers if case.scenario.stored else ()
        customers = {
            row.number: await self._database.read(find_customer, row.number) for row in rows
        }
        return replace(judged(case, seed, voice, stored, customers), repairs=person.repairs)


def _all_wordings(scenario: Scenario) -> Iterator[str]:
    for step in scenario.steps:
        yield from step.say or ()


def replies(plan: Plan, knowledge: Snapshot, ask: AskedBack) -> Reply:
    """A caller's: only to what a bot that had heard every word would not have asked. They say it
    in other words where there are some; a number that was misheard twice is keyed in."""
    meant = _meant(plan, knowledge)
    steps = plan.case.scenario.steps
    repeats: Counter[int] = Counter()

    def reply(number: int, line: str, bot: str) -> str | Keys | None:
        if ask.reply(meant[number], line, plan.answers[number]) is not None:
            return None
        answer = ask.reply(meant[number], line, bot)
        wordings = steps[number].say
        if answer != line or wordings is None:
            return answer
        repeats[number] += 1
        if repeats[number] > 1 and ask.is_number(line):
            return Keys(meant[number].number)
        return wordings[(wordings.index(line) + repeats[number]) % len(wordings)]

    return reply


def _meant(plan: Plan, knowledge: Snapshot) -> list[Meant]:
    """What the caller knows of each line: its topic, and the newest number until then."""
    words = knowledge.vocabulary()
    length = Length(words.min_digits, words.max_digits)
    meant: list[Meant] = []
    number = ""
    for step, line in zip(plan.case.scenario.steps, plan.wordings, strict=True):
        slot = spoken_number(line, length)
        number = step.keys or (slot.digits if slot else "") or number
        label = step.intent or (knowledge.classifier.classify(line).label if line else "")
        meant.append(Meant(label.partition("/")[0], number))
    return meant


def judged(case: Case, seed: int, voice: str, call: CallDetail, customers: Customers) -> Played:
    """What a stored call is worth."""
    mistakes = list(_mistakes(case.scenario, call))
    if case.scenario.stored:
        mistakes += wrong_in_database(case.scenario.stored, call, customers)
    heard = [turn.text or turn.digits for turn in call.turns if turn.who is Who.CALLER]
    if mistakes:
        mistakes.append(f"understood was: {' / '.join(heard) or 'nothing'}")
    contained = call.call.outcome is not CallOutcome.TRANSFERRED and not any(
        ticket.type is TicketType.CALLBACK for ticket in call.tickets
    )
    took_ms = [turn.total_s * 1000 for turn in call.turns if turn.total_s and heard]
    return Played(case, seed, mistakes, len(heard), contained, took_ms, voice)


def _mistakes(scenario: Scenario, call: CallDetail) -> Iterator[str]:
    spoken = " ".join(turn.text for turn in call.turns if turn.who is Who.BOT).lower()
    for fact in (*scenario.facts, *(fact for step in scenario.steps for fact in step.facts)):
        if not any(words.lower() in spoken for words in fact):
            yield f"{either(fact)} was not said"
    for words in scenario.forbidden:
        if words.lower() in spoken:
            yield f"“{words}” was said"
    yield from _wrong_in_the_end(scenario.steps, call)


def _wrong_in_the_end(steps: Sequence[Step], call: CallDetail) -> Iterator[str]:
    tickets = [
        TicketDraft(
            ticket.number, ticket.type, ticket.subject, ticket.description, ticket.priority,
            ticket.customer_number or None,
        )
        for ticket in call.tickets
    ]  # fmt: skip
    expected = [step.ticket for step in steps if step.ticket]
    if len(tickets) != len(expected):
        yield f"{len(tickets)} tickets were opened, not {len(expected)}"
    else:
        for wanted in expected:
            alike = [ticket for ticket in tickets if ticket.type is wanted.type] or tickets
            yield from wrong_tickets(wanted, alike[:1])
    transfer = any(step.transfer for step in steps)
    if transfer is not (call.call.outcome is CallOutcome.TRANSFERRED):
        yield f"the call ended as {call.call.outcome}"
    if steps[-1].ends and call.call.outcome is not steps[-1].ends:
        yield f"the call ended as {call.call.outcome}, not {steps[-1].ends.value}"
    numbers = [step.slots["customer_number"] for step in steps if "customer_number" in step.slots]
    if numbers and (call.call.customer_number or "") != numbers[-1]:
        yield f"the customer is {call.call.customer_number or 'not known'}, not {numbers[-1]}"
