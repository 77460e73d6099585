"""Lists as CSV, sent while they are read: a million rows need no more memory than a page."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from fastapi.responses import StreamingResponse

from backend.api.services import ApiServices
from backend.db.queries import calls
from backend.db.queries.calls import CallFilter, CallRecord, CallSort
from backend.db.queries.paging import LARGEST_PAGE

COLUMNS = (
    "call_id", "started_at", "duration_s", "caller", "called", "line", "intent", "outcome",
    "contained", "customer_number", "customer_name", "transferred_to", "answers",
    "slowest_answer_s",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as something older."""


def inert(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula (OWASP, “CSV Injection”).

    A caller chooses their own name and number: `=HYPERLINK(…)` must not run on a colleague's desk.
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


async def export_calls(
    services: ApiServices, which: CallFilter, sort: CallSort
) -> StreamingResponse:
    """All calls of the list as a file. Raises InvalidError for a search that names no word."""
    read = services.database.read
    first = await read(calls.list_calls, which, sort=sort, limit=LARGEST_PAGE)

    async def lines() -> AsyncIterator[bytes]:
        yield (BYTE_ORDER_MARK + _lines([COLUMNS])).encode()
        page = first
        while True:
            yield _lines([_row(services, call) for call in page.items]).encode()
            if page.next_cursor is None:
                return
            page = await read(
                calls.list_calls, which, sort=sort, cursor=page.next_cursor, limit=LARGEST_PAGE
            )

    name = f"calls-{services.today():%Y-%m-%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _row(services: ApiServices, call: CallRecord) -> Sequence[object]:
    return (
        call.id,
        _local(services, call.started_at),
        f"{call.duration_s:.1f}" if call.ended_at else "",
        inert(call.caller),
        inert(call.called),
        inert(call.line),
        inert(call.intent),
        call.outcome or "",
        "" if call.contained is None else int(call.contained),
        call.customer_number,
        inert(call.customer_name),
        inert(call.transfer_to),
        call.turn_count,
        "" if call.slowest_turn_s is None else f"{call.slowest_turn_s:.3f}",
    )


def _local(services: ApiServices, at: datetime) -> str:
    return at.astimezone(services.zone).isoformat(sep=" ", timespec="seconds")


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
