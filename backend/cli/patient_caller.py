"""Callers who answer when they are asked back, and say it again when they are not understood."""

import re
import time
from asyncio import sleep
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.agent.knowledge.model import Knowledge
from backend.agent.slots.numbers import Length, spoken_number
from backend.db.database import Database
from backend.db.models import Who
from backend.db.queries.calls import CallFilter, TurnRecord, get_transcript, list_calls
from backend.phone.script import Keys, Play

YES, NO = "yes", "no"
MOST_REPAIRS = 3
"""Questions back a caller answers about one line, said again or not, before going on regardless."""
_NOT_UNDERSTOOD = (
    "silence", "unclear", "confirm_denied", "number_incomplete", "number_not_found", "number_again",
)  # fmt: skip
_STORED_S, _LOOK_S = 2.0, 0.05
"""How long the bot may take to store what it has just said."""


Reply = Callable[[int, str, str], str | Keys | None]
"""What a caller replies who has said their nth line (from 0), its words, to the bot's words."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What a caller who is asked back knows of what they have said."""

    topic: str
    """The intent it is about, without its subtopic."""
    number: str
    """Digits."""


class AskedBack:
    """Knows the bot's questions back from its answers, by the knowledge base's own wordings."""

    def __init__(self, knowledge: Knowledge) -> None:
        say = knowledge.responses.every_wording
        marks = "0000"
        self._numbers = [
            re.compile(re.escape(wording).replace(marks, r"(\d+)"))
            for wording in say("confirm_number", number=marks)
        ]
        self._topics = {
            wording: label
            for label, about in knowledge.about.items()
            for wording in say("confirm_topic", about=about)
        }
        self._again = [
            re.compile(re.escape(wording).replace(marks, r"\d+"))
            for key in _NOT_UNDERSTOOD
            for wording in say(key, number=marks)
        ]
        self._asks_number = [re.compile(re.escape(wording)) for wording in say("ask_number")]
        self._length = Length(knowledge.min_digits, knowledge.max_digits)

    def reply(self, meant: Meant, line: str, bot: str) -> str | None:
        """What somebody who has said `line` replies to `bot`; None when it is no question back."""
        for number in self._numbers:
            if found := number.search(bot):
                return YES if found[1] == meant.number else NO
        for wording, label in self._topics.items():
            if wording in bot:
                return YES if label.partition("/")[0] == meant.topic else NO
        again = self._again
        if self.is_number(line):
            again = [*again, *self._asks_number]
        return line if any(wording.search(bot) for wording in again) else None

    def is_number(self, line: str) -> bool:
        """Whether there is a customer number in it, or a part of one."""
        return spoken_number(line, self._length) is not None


class PatientCaller:
    """One caller; reads what the bot has said in the database, being no recogniser.

    Keys are not pressed twice: those arrive.
    """

    def __init__(
        self,
        caller: str,
        reply: Reply,
        database: Database,
        speech: Mapping[str, Play],
    ) -> None:
        self.repairs = 0
        self._caller = caller
        self._reply = reply
        self._database = database
        self._speech = speech
        self._turns_taken = 0
        self._line = ""
        self._lines = 0
        self._repairs_of_line = 0
        self._is_repair = False

    def said(self, text: str) -> None:
        """That was the caller's turn."""
        self._turns_taken += 1
        if not self._is_repair:
            self._line, self._repairs_of_line = text, 0
            self._lines += 1
        self._is_repair = False

    async def react(self) -> Play | Keys | None:
        """What to say to the bot's last words before going on with the scenario."""
        if not self._line or self._repairs_of_line >= MOST_REPAIRS:
            return None
        turns = await self._turns()
        reply = self._reply(self._lines - 1, self._line, last_words(turns))
        answer = reply if isinstance(reply, Keys) else self._speech.get(reply or "")
        if answer is None:
            return None
        self.repairs += 1
        self._repairs_of_line += 1
        self._is_repair = True
        return answer

    async def _turns(self) -> Sequence[TurnRecord]:
        """Those so far, the bot's answer to what was said last among them."""
        until_s = time.monotonic() + _STORED_S
        while True:
            page = await self._database.read(list_calls, CallFilter(caller=self._caller), limit=1)
            turns = (
                await self._database.read(get_transcript, page.items[0].id) if page.items else []
            )
            heard = sum(turn.who is Who.CALLER for turn in turns)
            answered = bool(turns) and turns[-1].who is Who.BOT and heard >= self._turns_taken
            if answered or time.monotonic() > until_s:
                return turns
            await sleep(_LOOK_S)


def last_words(turns: Sequence[TurnRecord]) -> str:
    """What the bot said since the caller's last turn."""
    words: list[str] = []
    for turn in reversed(turns):
        if turn.who is not Who.BOT:
            break
        words.insert(0, turn.text)
    return " ".join(words)
