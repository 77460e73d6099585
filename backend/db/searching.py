"""Finding calls by what was said: SQLite's FTS5, PostgreSQL's own full text.

One document a call, written when the call has ended: words said by both sides, digits keyed and
the caller's number, without case and accents. Its number is the instant the call started, so an
index reads matches in the order of time and stops after a page, however many there are. On SQLite
the document has the call's facets, too: a common word and a rare outcome are intersected inside
the index, not by looking at a million rows. PostgreSQL combines indexes by itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.orm import Session

from backend.db.errors import InvalidError
from backend.db.models import Base, Call, CallText
from backend.db.types import BigId

MOST_TERMS = 10
SHORTEST_BEGINNING = 3
"""`bi*` would gather half of all words."""
_MERGED_PAGES = 500
"""2 MB of the index at a time: some ten milliseconds."""
SLOW_S = (1.0, 2.0, 4.0)
LONG_S = (60.0, 180.0, 600.0)
"""Thresholds that a call's facets tell; what lies between is looked up in the row."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS = Base.metadata.tables[CallText.__tablename__]
_CHANGE = (
    update(_TEXTS)
    .where(_TEXTS.c.call_id == bindparam("of_call"))
    .values(text=bindparam("to_text"), facets=bindparam("to_facets"))
)
_WORDS = table("call_words", column("rowid", BigId))


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must follow each other (mostly one), must not, or begin like this."""

    words: tuple[str, ...]
    is_unwanted: bool = False
    is_beginning: bool = False

    def is_in(self, spoken: Sequence[str]) -> bool:
        """Whether a text, given as its folded words, has it."""
        size = len(self.words)
        return any(
            self._fits(spoken[start : start + size]) for start in range(len(spoken) - size + 1)
        )

    def _fits(self, spoken: Sequence[str]) -> bool:
        *others, last = self.words
        is_last = spoken[-1].startswith(last) if self.is_beginning else spoken[-1] == last
        return is_last and list(spoken[:-1]) == others


def folded_words(text: str) -> list[str]:
    """The words of a text as the index has them."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def read_terms(search: str) -> list[Term]:
    """What somebody typed: every word must occur, `"these words"` side by side, `-this` must not,
    and `begin*` is enough of a word.

    Raises InvalidError when there is nothing to look for, or too much.
    """
    terms = []
    for sign, phrase, word in re.findall(r'(-?)(?:"([^"]*)"?|([^\s"]+))', search):
        words = folded_words(phrase or word)
        if not words:
            continue
        is_beginning = word.endswith("*")
        if is_beginning and len(words[-1]) < SHORTEST_BEGINNING:
            raise InvalidError(f"Give at least {SHORTEST_BEGINNING} letters before a *.")
        terms.append(Term(tuple(words), sign == "-", is_beginning))
    if all(term.is_unwanted for term in terms):
        raise InvalidError(
            "The search names no word to look for.", fix="Type a word that was said in the call."
        )
    if len(terms) > MOST_TERMS:
        raise InvalidError(f"Search for at most {MOST_TERMS} words at a time.")
    return terms


def index(session: Session, calls: Iterable[tuple[Call, Iterable[str]]]) -> None:
    """Let calls that have ended be found by what was said in them (their texts)."""
    rows = {call.id: _document(call, texts) for call, texts in calls}
    known = select(CallText.call_id, CallText.id).where(CallText.call_id.in_(rows))
    numbers = {row.call_id: row.id for row in session.execute(known)}
    fresh = [row for call_id, row in rows.items() if call_id not in numbers]
    connection = session.connection()
    if fresh:
        _give_free_numbers(session, fresh)
        connection.execute(insert(_TEXTS), fresh)
    if numbers:
        changed = [
            {
                "of_call": call_id,
                "to_text": rows[call_id]["text"],
                "to_facets": rows[call_id]["facets"],
            }
            for call_id in numbers
        ]
        connection.execute(_CHANGE, changed)


def forget_words(session: Session, *, begin: bool) -> bool:
    """SQLite's index has the words of what was deleted until its parts are merged. A step of
    merging them all; `begin` with the first. False when nothing is left to do."""
    if session.get_bind().dialect.name != "sqlite":
        return False
    connection = session.connection()
    driver: Any = connection.connection.dbapi_connection
    before = driver.total_changes
    pages = -_MERGED_PAGES if begin else _MERGED_PAGES
    connection.exec_driver_sql(
        "INSERT INTO call_words (call_words, rank) VALUES ('merge', ?)", (pages,)
    )
    # https://sqlite.org/fts5.html#the_merge_command: the command itself counts as one change.
    return bool(driver.total_changes - before >= 2)


def _document(call: Call, texts: Iterable[str]) -> dict[str, Any]:
    words = folded_words(" ".join((*texts, call.caller)))
    return {
        "id": _number(call.started_at),
        "call_id": call.id,
        "text": " ".join(words),
        "facets": " ".join(_facets(call)),
    }


def _give_free_numbers(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Two calls may start in the same microsecond."""
    mine: set[int] = set()
    for row in rows:
        while row["id"] in mine:
            row["id"] += 1
        mine.add(row["id"])
    taken = set(session.scalars(select(CallText.id).where(CallText.id.in_(mine))))
    for row in rows:
        while row["id"] in taken:
            mine.discard(row["id"])
            row["id"] = _next_free(session, row["id"], mine)
            mine.add(row["id"])


def _next_free(session: Session, number: int, mine: set[int]) -> int:
    while number in mine or session.scalar(select(CallText.id).where(CallText.id == number)):
        number += 1
    return number


@dataclass(frozen=True, slots=True)
class Found:
    """How to select the calls that match."""

    source: FromClause
    """To join with `Call.id == call_id`."""
    call_id: ColumnElement[str]
    number: ColumnElement[int]
    """What to sort by: as calls started."""
    where: list[ColumnElement[bool]]


def find(session: Session, terms: Sequence[Term], facets: Sequence[str]) -> Found:
    """Calls in which all `terms` were said. `facets` narrow it on SQLite, from `facets_of`; other
    databases look at the rows."""
    if session.get_bind().dialect.name == "sqlite":
        source = _WORDS.join(_TEXTS, CallText.id == _WORDS.c.rowid)
        is_match = literal_column("call_words").op("MATCH")(_fts5(terms, facets))
        return Found(source, CallText.call_id.expression, _WORDS.c.rowid, [is_match])
    words = func.to_tsvector(literal_column("'simple'"), CallText.text)
    is_match = words.op("@@")(func.to_tsquery(literal_column("'simple'"), _tsquery(terms)))
    return Found(_TEXTS, CallText.call_id.expression, CallText.id.expression, [is_match])


def started_within(
    found: Found, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Conditions for calls started in [since, until), as the index can use them."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(found.number >= _number(since))
    if until is not None:
        conditions.append(found.number < _number(until))
    return conditions


def facets_of(
    equal: dict[str, Any], min_duration_s: float | None, min_latency_s: float | None
) -> list[str]:
    """The facets that calls with these values have; `equal` is by column name."""
    facets = [_facet(name, value) for name, value in equal.items() if value not in (None, "")]
    for prefix, thresholds, wanted in (
        ("long", LONG_S, min_duration_s),
        ("slow", SLOW_S, min_latency_s),
    ):
        below = [threshold for threshold in thresholds if threshold <= (wanted or 0.0)]
        facets += [f"{prefix}_{max(below):g}"] if below else []
    return facets


FACETS = ("intent", "outcome", "customer_id", "line", "caller")
"""Columns of a call that are facets."""


def _facets(call: Call) -> list[str]:
    equal = {name: getattr(call, name) for name in FACETS}
    facets = [_facet(name, value) for name, value in equal.items() if value not in (None, "")]
    facets += [f"long_{step:g}" for step in LONG_S if call.duration_s >= step]
    return facets + [f"slow_{step:g}" for step in SLOW_S if (call.slowest_turn_s or 0.0) >= step]


def _facet(name: str, value: object) -> str:
    return f"{name}_" + re.sub(r"[^a-z0-9]", "_", str(value).casefold())


def _number(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _fts5(terms: Sequence[Term], facets: Sequence[str]) -> str:
    def written(term: Term) -> str:
        return f'text : "{" ".join(term.words)}"' + (" *" if term.is_beginning else "")

    wanted = [written(term) for term in terms if not term.is_unwanted]
    wanted += [f'facets : "{facet}"' for facet in facets]
    unwanted = "".join(f" NOT ({written(term)})" for term in terms if term.is_unwanted)
    return f"({' AND '.join(wanted)}){unwanted}"


def _tsquery(terms: Sequence[Term]) -> str:
    def written(term: Term) -> str:
        words = " <-> ".join(term.words) + (":*" if term.is_beginning else "")
        return f"{'!' if term.is_unwanted else ''}({words})"

    return " & ".join(written(term) for term in terms)
