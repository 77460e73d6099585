"""The API reference, drawn from the OpenAPI schema.

Swagger UI and Redoc load scripts and styles from elsewhere, or need 1.5 MB of them here and inline
styles that our Content-Security-Policy refuses. Plain HTML reads better on a telephone, too.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from backend.api.access import ApiViewer, PageViewer
from backend.api.templating import page

router = APIRouter(include_in_schema=False)

Schema = Mapping[str, Any]
MOST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class ParameterView:
    """One parameter of an operation."""

    name: str
    place: str
    required: bool
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class OperationView:
    """One address with one method."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[ParameterView]
    body: str
    answer: str


@dataclass(slots=True)
class GroupView:
    """Operations that belong together."""

    name: str
    calls: list[OperationView] = field(default_factory=list)


@router.get("/api/openapi.json")
async def get_openapi(request: Request, _: ApiViewer) -> Response:
    """The schema, for programs."""
    return JSONResponse(await _schema(request))


@router.get("/docs")
async def show_reference(request: Request, _: PageViewer) -> Response:
    """The schema, for people."""
    schema = await _schema(request)
    return page(
        request,
        "reference.html",
        groups=groups_of(schema),
        description=schema["info"]["description"],
    )


async def _schema(request: Request) -> dict[str, Any]:
    # The first time takes a third of a second: on a thread, calls do not notice.
    return await asyncio.to_thread(request.app.openapi)


def groups_of(schema: Schema) -> list[GroupView]:
    """Every operation of the schema, in the order of its definition."""
    groups: dict[str, GroupView] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            name = operation["tags"][0]
            view = _operation(method.upper(), path, operation, schema)
            groups.setdefault(name, GroupView(name)).calls.append(view)
    return list(groups.values())


def _operation(method: str, path: str, operation: Schema, schema: Schema) -> OperationView:
    summary, _, rest = operation.get("description", "").replace("`", "").partition("\n")
    body = operation.get("requestBody", {}).get("content", {})
    good: Schema = next(
        (value for key, value in operation["responses"].items() if key[0] == "2"), {}
    )
    return OperationView(
        method=method,
        path=path,
        summary=summary,
        description=rest.strip(),
        parameters=[_parameter(one) for one in operation.get("parameters", ())],
        body=_example_text(body, schema),
        answer=_example_text(good.get("content", {}), schema),
    )


def _parameter(one: Schema) -> ParameterView:
    kind = one["schema"]
    return ParameterView(
        name=one["name"],
        place=one["in"],
        required=one.get("required", False),
        type=_type_words(kind),
        description=one.get("description") or kind.get("description", ""),
    )


def _type_words(kind: Schema) -> str:
    if "$ref" in kind:
        return str(kind["$ref"]).rsplit("/", 1)[-1]
    if options := kind.get("anyOf"):
        return " or ".join(_type_words(one) for one in options if one.get("type") != "null")
    words = str(kind.get("format") or kind.get("type", "any"))
    limits = [
        f"{sign} {kind[key]:g}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in kind
    ]
    return f"{words} {', '.join(limits)}".strip()


def _example_text(content: Schema, schema: Schema) -> str:
    kind = content.get("application/json", {}).get("schema")
    if not kind:
        return ", ".join(content)
    return json.dumps(_example(kind, schema, MOST_DEPTH), indent=2, ensure_ascii=False)


def _example(kind: Schema, schema: Schema, depth: int) -> Any:
    """A value that fits: the schema's own example, or one made up from its types."""
    if kind.get("examples"):
        return kind["examples"][0]
    if "$ref" in kind:
        target = schema["components"]["schemas"][kind["$ref"].rsplit("/", 1)[-1]]
        return _example(target, schema, depth - 1) if depth else {}
    if "default" in kind:
        return kind["default"]
    if options := kind.get("anyOf"):
        return _example(options[0], schema, depth)
    if kind.get("enum"):
        return kind["enum"][0]
    match kind.get("type"):
        case "object" if "properties" in kind:
            return {name: _example(one, schema, depth) for name, one in kind["properties"].items()}
        case "object":
            return {}
        case "array":
            return [_example(kind["items"], schema, depth)]
        case "integer":
            return 1
        case "number":
            return 0.25
        case "boolean":
            return True
        case "null":
            return None
    moments = {"date-time": "2026-11-21T08:45:12Z", "date": "2026-11-21"}
    return moments.get(kind.get("format", ""), "text")
