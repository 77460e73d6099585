"""REST: a call's latency in one look, at the address that monitors of voice agents ask."""

from fastapi import APIRouter, Request

from backend.api.access import ApiViewer
from backend.api.routes.calls import CallId
from backend.api.schemas.latency import LatencySummaryAnswer, PartLatencyAnswer
from backend.api.services import services_of
from backend.api.turn_timings import TOTAL, answers, summarise
from backend.db.queries import calls

router = APIRouter(prefix="/v1/convai", tags=["latency"])


@router.get("/latency/{call_id}", response_model=LatencySummaryAnswer)
async def get_latency_summary(
    request: Request, _: ApiViewer, call_id: CallId
) -> LatencySummaryAnswer:
    """How long the call's answers took: p50, p95 and the longest, in all and part by part.

    `/api/calls/{call_id}/latency` has the same for every single answer, too.
    """
    timed = answers(await services_of(request).database.read(calls.get_transcript, call_id))
    parts = {part.part: PartLatencyAnswer.model_validate(part) for part in summarise(timed)}
    return LatencySummaryAnswer(
        call_id=call_id, turns=len(timed), total=parts.pop(TOTAL), parts=list(parts.values())
    )
