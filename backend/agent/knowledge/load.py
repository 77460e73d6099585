"""Reads and checks the knowledge base; every mistake is reported with its place in the file."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from backend.agent.knowledge.checks import Problem, cross_check
from backend.agent.knowledge.locate import line_of, show
from backend.agent.knowledge.model import Company, Faq, Knowledge, MenuKey, Plan, Trouble
from backend.agent.knowledge.responses import DEFAULT_RESPONSES, Responses, fill
from backend.config import ROOT
from backend.core.errors import KnowledgeError

SCHEMA_PATH = ROOT / "kb" / "company_kb.schema.json"
LARGEST_BYTES = 5_000_000
"""Well over ten thousand questions and answers; more is a file put here by mistake."""
MOST_PROBLEMS = 5
"""An error names this many mistakes; the rest shows after they are corrected."""


def load_knowledge(path: Path) -> Knowledge:
    """Read, check and build. Raises KnowledgeError naming file, line and what to do."""
    return parse_knowledge(read_file(path), path)


def read_file(path: Path) -> bytes:
    """The file's bytes. Raises KnowledgeError when it is not there, or much too large."""
    try:
        refuse_large(path.stat().st_size, str(path))
        return path.read_bytes()
    except OSError as error:
        raise KnowledgeError(
            f"The knowledge base {path} cannot be read: {error.strerror}.",
            fix="Put the file there or set FRONTDESK_KB_PATH to where it is.",
        ) from error


def refuse_large(size: int, name: str) -> None:
    """Raise KnowledgeError when this many bytes are no knowledge base."""
    if size > LARGEST_BYTES:
        raise KnowledgeError(
            f"The knowledge base {name} is {size / 1e6:.1f} MB large.",
            fix=f"Keep it under {LARGEST_BYTES / 1e6:.0f} MB.",
        )


def parse_knowledge(raw: bytes, path: Path) -> Knowledge:
    """Check and build from the file's bytes; `path` is only named in errors.

    Raises KnowledgeError with up to `MOST_PROBLEMS` lines, one for each mistake.
    """
    refuse_large(len(raw), path.name)
    text = _decode(raw, path)
    data = _parse_json(text, path)
    problems = _problems(data)
    if problems:
        lines = [
            f"{path.name} line {line_of(text, problem.path)} ({show(problem.path)}) {problem.text}"
            for problem in problems[:MOST_PROBLEMS]
        ]
        more = len(problems) - MOST_PROBLEMS
        raise KnowledgeError(
            "\n".join(lines) + (f"\nand {more} more." if more > 0 else ""),
            fix=f"Correct and save {path}; {SCHEMA_PATH.name} describes what goes where.",
        )
    return _build(data, path, hashlib.sha256(raw).hexdigest())


def find_problems(raw: bytes, path: Path) -> list[Problem]:
    """Every mistake in the file's bytes. Raises KnowledgeError when they are no JSON."""
    refuse_large(len(raw), path.name)
    return _problems(_parse_json(_decode(raw, path), path))


@cache
def schema() -> Mapping[str, Any]:
    """The JSON schema of the file."""
    loaded: Mapping[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return loaded


def _problems(data: Any) -> list[Problem]:
    return _schema_problems(data) or cross_check(data)


def _decode(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise KnowledgeError(
            f"{path.name} line {line} is not UTF-8 text.", fix=f"Save {path} as UTF-8."
        ) from error


def _parse_json(text: str, path: Path) -> Any:
    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise KnowledgeError(
                f"{path.name} has {twice!r} twice in the same block.", fix="Keep one of them."
            )
        return members

    try:
        return json.loads(text, object_pairs_hook=refuse_duplicates)
    except json.JSONDecodeError as error:
        raise KnowledgeError(
            f"{path.name} line {error.lineno} column {error.colno} is not JSON: {error.msg}.",
            fix="Most often a comma or a quotation mark is missing or one too many just before.",
        ) from error
    except RecursionError as error:
        raise KnowledgeError(
            f"{path.name} is nested too deeply.", fix="Look for stray opening brackets."
        ) from error


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(dict(schema()))


def _schema_problems(data: Any) -> list[Problem]:
    errors = sorted(_validator().iter_errors(data), key=lambda error: list(map(str, error.path)))
    return [Problem(tuple(error.absolute_path), _explain(error)) for error in errors]


def _explain(error: jsonschema.ValidationError) -> str:
    """The validator's finding in our words: its own repeat the whole value."""
    value: Any = error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "required":
            missing = [name for name in wanted if name not in value]
            return f"lacks {', '.join(map(repr, missing))}."
        case "additionalProperties":
            known = schema.get("properties", {})
            extra = [name for name in value if name not in known]
            return f"has {', '.join(map(repr, extra))}, which means nothing here."
        case "type":
            return f"must be of type {wanted}; it is {json.dumps(value)[:40]}."
        case "enum":
            return f"must be one of {', '.join(wanted)}; it is {json.dumps(value)[:40]}."
        case "minItems":
            return "must not be empty."
        case "pattern" if not value.strip():
            return "must not be empty."
        case "pattern":
            return f"is {json.dumps(value)[:40]}. {schema.get('description', '')}".strip()
        case "uniqueItems":
            twice = next(item for item in value if value.count(item) > 1)
            return f"has {twice!r} twice."
        case _:
            return f"is not right: {error.message[:200]}."


def _build(data: Mapping[str, Any], path: Path, fingerprint: str) -> Knowledge:
    company = Company(**data["company"])
    low, high = data["customer_number"]["min_digits"], data["customer_number"]["max_digits"]
    constants = {
        "company": company.name,
        "hours": company.hours,
        "address": company.address,
        "phone": company.phone,
        "email": company.email,
        "website": company.website,
        "number_length": str(low) if low == high else f"{low} to {high}",
        "plan_count": str(len(data["plans"])),
    }
    faq = {entry["id"]: _faq(entry, constants) for entry in data["faq"]}
    troubles = {entry["id"]: _trouble(entry, constants) for entry in data["troubleshooting"]}
    intents = {label: tuple(entry["examples"]) for label, entry in data["intents"].items()}
    about = (
        {label: entry["about"] for label, entry in data["intents"].items() if "about" in entry}
        | {f"technical_support/{trouble.id}": trouble.about for trouble in troubles.values()}
        | {f"faq/{item.id}": item.about for item in faq.values()}
    )
    return Knowledge(
        path=path,
        fingerprint=fingerprint,
        company=company,
        min_digits=low,
        max_digits=high,
        plans=tuple(
            Plan(**(entry | {"aliases": tuple(entry.get("aliases", ()))}))
            for entry in data["plans"]
        ),
        menu=tuple(MenuKey(**entry) for entry in data["menu"]),
        faq=faq,
        troubles=troubles,
        intents=intents,
        about=about,
        responses=Responses(
            DEFAULT_RESPONSES
            | {key: tuple(wordings) for key, wordings in data["responses"].items()},
            constants,
        ),
    )


def _faq(entry: Mapping[str, Any], constants: Mapping[str, str]) -> Faq:
    return Faq(
        id=entry["id"],
        about=entry["about"],
        questions=tuple(entry["questions"]),
        answer=fill(entry["answer"], constants),
    )


def _trouble(entry: Mapping[str, Any], constants: Mapping[str, str]) -> Trouble:
    return Trouble(
        id=entry["id"],
        about=entry["about"],
        examples=tuple(entry["examples"]),
        steps=tuple(fill(step, constants) for step in entry["steps"]),
        ticket_at_once=entry.get("ticket_at_once", False),
        subject=entry["subject"],
    )
