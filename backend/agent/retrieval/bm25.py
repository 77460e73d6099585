"""Ranking by the words a question and a text share: SQLite's FTS5, in memory."""

import json
import math
import sqlite3
import threading
from collections.abc import Sequence

from backend.agent.knowledge.facts import Fact
from backend.agent.words import words

STOP_WORDS = frozenset(
    """a about am an and any are as at be been but by can could did do does for from get got had
    has have how i if in into is it its just me my need no not of on one or our out please s should
    so some tell than that the their them then there they this to up us want was we were what when
    where which who why will with would yes you your""".split()
)
_ABOUT_WEIGHT = 0.6
"""Of a word in the headings, against one in the text."""


class Bm25:
    """Immutable once made; callable from any thread, one at a time."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        """A second of computing for 10,000 passages."""
        self._lock = threading.Lock()
        self._count = len(facts)
        # The Python module would let only this thread in; `_lock` does what SQLite asks for.
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE fact USING fts5"
            "(text, about, content='', tokenize='porter unicode61 remove_diacritics 2')"
        )
        self._database.executemany(
            "INSERT INTO fact(rowid, text, about) VALUES (?, ?, ?)",
            ((number, fact.text, fact.about) for number, fact in enumerate(facts)),
        )
        self._database.execute("INSERT INTO fact(fact) VALUES ('optimize')")

    def __del__(self) -> None:
        self._database.close()

    def search(self, question: str, count: int) -> list[tuple[int, float]]:
        """Position and score of the `count` best facts, best first; none that shares no word."""
        wanted = content_words(question)
        if not wanted:
            return []
        # Words have neither quotes nor spaces, so nothing of FTS5's query language gets through.
        query = " OR ".join(f'"{word}"' for word in wanted)
        with self._lock:
            rows = self._database.execute(
                "SELECT rowid, -bm25(fact, 1.0, ?) FROM fact WHERE fact MATCH ?"
                " ORDER BY 2 DESC LIMIT ?",
                (_ABOUT_WEIGHT, query, count),
            ).fetchall()
        return [(int(number), float(score)) for number, score in rows]

    def coverage(self, question: str, numbers: Sequence[int]) -> list[float]:
        """How much of what a question asks about each of these facts has: 0 to 1.

        The question's words count as much as they are rare; words that no fact has count most.
        """
        shares = [0.0] * len(numbers)
        total = 0.0
        with self._lock:
            for word in content_words(question):
                having, count = self._having(word, numbers)
                weight = math.log((1 + self._count) / (1 + count)) + 1
                total += weight
                for place, number in enumerate(numbers):
                    shares[place] += weight if number in having else 0.0
        return [share / total if total else 0.0 for share in shares]

    def _having(self, word: str, numbers: Sequence[int]) -> tuple[frozenset[int], int]:
        """Which of these facts have a word, and how many of all have it."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM fact WHERE fact MATCH ?", (f'"{word}"',)
        ).fetchone()
        rows = self._database.execute(
            "SELECT rowid FROM fact WHERE fact MATCH ?"
            " AND rowid IN (SELECT value FROM json_each(?))",
            (f'"{word}"', json.dumps(list(numbers))),
        )
        return frozenset(row[0] for row in rows), count


def content_words(question: str) -> list[str]:
    """The words of a question that say what it is about, each once."""
    return list(dict.fromkeys(word for word in words(question) if word not in STOP_WORDS))
