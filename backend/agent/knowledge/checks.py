"""What a JSON schema cannot say: references, slots and phrases that contradict each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.agent.knowledge.responses import COMPANY_SLOTS, RESPONSES, TemplateError, slots_of
from backend.agent.words import words

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is and what is wrong, as a sentence without its subject."""

    path: Path
    text: str


def cross_check(data: Mapping[str, Any]) -> list[Problem]:
    """Mistakes in a knowledge base that fits the schema."""
    return [
        *_number_length(data["customer_number"]),
        *_duplicates(data, "plans", "id"),
        *_duplicates(data, "plans", "name"),
        *_duplicates(data, "faq", "id"),
        *_duplicates(data, "troubleshooting", "id"),
        *_duplicates(data, "menu", "key"),
        *_templates(data),
        *_phrases(data),
    ]


def _number_length(entry: Mapping[str, int]) -> Iterator[Problem]:
    if entry["min_digits"] > entry["max_digits"]:
        yield Problem(("customer_number", "min_digits"), "is more than 'max_digits'.")


def _duplicates(data: Mapping[str, Any], block: str, key: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(data[block]):
        first = seen.setdefault(entry[key].lower(), index)
        if first != index:
            yield Problem(
                (block, index, key), f"is {entry[key]!r}, as in {block}[{first}]; make it unique."
            )


def _templates(data: Mapping[str, Any]) -> Iterator[Problem]:
    for key, allowed in RESPONSES.items():
        for index, template in enumerate(data["responses"].get(key, ())):
            yield from _slots(template, allowed, ("responses", key, index))
    for index, entry in enumerate(data["faq"]):
        yield from _slots(entry["answer"], frozenset(), ("faq", index, "answer"))
    for index, entry in enumerate(data["troubleshooting"]):
        for number, step in enumerate(entry["steps"]):
            yield from _slots(step, frozenset(), ("troubleshooting", index, "steps", number))


def _slots(template: str, own: frozenset[str], path: Path) -> Iterator[Problem]:
    try:
        unknown = slots_of(template) - own - COMPANY_SLOTS
    except TemplateError as error:
        yield Problem(path, f"{error}.")
        return
    for name in sorted(unknown):
        allowed = ", ".join(f"{{{slot}}}" for slot in sorted(own | COMPANY_SLOTS))
        yield Problem(path, f"uses the slot {{{name}}}, which is not filled here. Use {allowed}.")


def _phrases(data: Mapping[str, Any]) -> Iterator[Problem]:
    """The same phrase under two intents would teach the classifier a contradiction."""
    owners: dict[tuple[str, ...], Path] = {}
    for path, phrases in _example_lists(data):
        for index, phrase in enumerate(phrases):
            spoken = tuple(words(phrase))
            if not spoken:
                yield Problem((*path, index), f"is {phrase!r}, which has no words in it.")
                continue
            if "{" in phrase or "}" in phrase:
                yield Problem((*path, index), f"is {phrase!r}: write what callers say, no slots.")
                continue
            owner = owners.setdefault(spoken, path)
            if owner != path:
                place = ".".join(map(str, owner[:2]))
                yield Problem(
                    (*path, index), f"is {phrase!r}, which is also an example of {place}."
                )


def _example_lists(data: Mapping[str, Any]) -> Iterator[tuple[Path, Sequence[str]]]:
    for label, entry in data["intents"].items():
        yield ("intents", label, "examples"), entry["examples"]
    for index, entry in enumerate(data["troubleshooting"]):
        yield ("troubleshooting", index, "examples"), entry["examples"]
    for index, entry in enumerate(data["faq"]):
        yield ("faq", index, "questions"), entry["questions"]
