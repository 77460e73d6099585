"""Judging interruptions: from what the caller heard, and from what the bot wrote down."""

from collections.abc import Sequence

from backend.cli.bench_figures import Spread, spread
from backend.cli.bench_scenarios import CUSTOMER
from backend.cli.bench_talks import Talk
from backend.core.speech import HeardKind
from backend.db.models import Who
from backend.phone.script import Record, RecordKind

_UTTERANCES = frozenset({HeardKind.WORDS, HeardKind.UNINTELLIGIBLE})
"""Turns that the bot began because it heard something."""


def silence_spreads(talks: Sequence[Talk]) -> dict[str, Spread | None]:
    """Caller's first voiced sample to the bot's last, at the caller's ear."""
    greeting = [record.silenced_s for talk in talks for record in _spoken(talk)[:1]]
    answers = [record.silenced_s for talk in talks for record in _spoken(talk)[1:]]
    return {
        "silence in the greeting": spread(_known(greeting)),
        "silence in answers": spread(_known(answers)),
        "silence, all": spread(_known([*greeting, *answers])),
    }


def interruption_counts(talks: Sequence[Talk]) -> dict[str, int]:
    """How often the bot was talked over, and stopped for it.

    Not silenced also counts those that met a pause between two sentences, or an end.
    """
    spoken = [record for talk in talks for record in _spoken(talk)]
    silenced = sum(record.silenced_s is not None for record in spoken)
    return {
        "interruptions": len(spoken),
        "silenced": silenced,
        "not_silenced": len(spoken) - silenced,
        "failed_calls": _failed(talks),
    }


def murmur_counts(talks: Sequence[Talk]) -> dict[str, int]:
    """How often coughs, murmurs, noise and echo moved the bot, which nobody wanted."""
    return {
        "coughs_and_murmurs": sum(len(_murmured(talk)) for talk in talks),
        "cut_speeches": sum(cut_speeches(talk) for talk in talks),
        "answers_to_nothing": sum(answers_to_nothing(talk) for talk in talks),
        "calls_with_false_stops": sum(
            cut_speeches(talk) + answers_to_nothing(talk) > 0 for talk in talks
        ),
        "failed_calls": _failed(talks),
    }


def pause_counts(talks: Sequence[Talk]) -> dict[str, int]:
    """How many callers were cut off in the pauses of their number, and how many understood."""
    return {
        "calls": len(talks),
        "cut_off": sum(is_cut_off(talk) for talk in talks),
        "number_understood": sum(
            talk.stored is not None and talk.stored.call.customer_number == CUSTOMER
            for talk in talks
        ),
        "failed_calls": _failed(talks),
    }


def cut_speeches(talk: Talk) -> int:
    """Speeches the bot gave up, by its own record; the callers here never wanted that."""
    turns = talk.stored.turns if talk.stored else []
    return sum(turn.who is Who.BOT and turn.interrupted for turn in turns)


def answers_to_nothing(talk: Talk) -> int:
    """Turns of the caller the bot believes in, beyond those there were."""
    return max(0, _turns_believed(talk) - len(_spoken(talk)))


def is_cut_off(talk: Talk) -> bool:
    """The bot spoke before the caller had finished, or took one turn for two."""
    early = any(
        record.kind is RecordKind.BOT and record.latency_s is not None and record.latency_s < 0
        for record in talk.records
    )
    return early or answers_to_nothing(talk) > 0


def _spoken(talk: Talk) -> list[Record]:
    return [one for one in talk.records if one.kind is RecordKind.CALLER and one.text]


def _murmured(talk: Talk) -> list[Record]:
    """What has no words, and lasts: leaving is a turn without length."""
    return [
        one
        for one in talk.records
        if one.kind is RecordKind.CALLER and not one.text and one.end_s - one.start_s > 0.05
    ]


def _turns_believed(talk: Talk) -> int:
    turns = talk.stored.turns if talk.stored else []
    return sum(turn.who is Who.CALLER and turn.kind in _UTTERANCES for turn in turns)


def _failed(talks: Sequence[Talk]) -> int:
    return sum(bool(talk.trouble) or not talk.records for talk in talks)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
