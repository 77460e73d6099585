"""What monitors read: `/health` and `/metrics`."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from backend.api.access import ApiViewer, identify
from backend.api.health import health_of
from backend.api.metrics import Metrics
from backend.api.schemas.paging import Answer
from backend.api.services import PartHealth, PartState
from backend.core.errors import StoreError

router = APIRouter(tags=["monitoring"])


class PartAnswer(Answer):
    """How one part is."""

    part: str = Field(examples=["database"])
    state: PartState
    detail: str
    fix: str


class HealthAnswer(BaseModel):
    """How Frontdesk is. Strangers get `status` alone."""

    status: Literal["ok", "degraded"]
    parts: list[PartAnswer] | None = Field(None, description="Only for who is signed in.")


@router.get(
    "/health",
    response_model=HealthAnswer,
    response_model_exclude_none=True,
    responses={503: {"model": HealthAnswer, "description": "A part is down."}},
)
async def get_health(request: Request, response: Response) -> HealthAnswer:
    """200 when calls are answered as they should be, 503 when a part is down.

    The only address that answers strangers, and with one word.
    """
    parts = await health_of(request)
    states = {part.state for part in parts}
    if PartState.DOWN in states:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return HealthAnswer(
        status="ok" if states <= {PartState.OK, PartState.OFF} else "degraded",
        parts=_answers(parts) if await _is_known(request) else None,
    )


@router.get("/metrics", response_class=Response)
async def get_metrics(request: Request, _: ApiViewer) -> Response:
    """Prometheus metrics. Prometheus sends an API key: `authorization: credentials`.

    There is no exception for this machine: behind a reverse proxy everybody would come from here.
    """
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})


async def _is_known(request: Request) -> bool:
    try:
        principal = await identify(request)
    except StoreError:  # the database being down is what health is there to tell
        return False
    return principal is not None and not principal.must_change_password


def _answers(parts: Sequence[PartHealth]) -> list[PartAnswer]:
    return [PartAnswer.model_validate(part) for part in parts]
