"""Whatever a query string says, the answer is a result or an error with a sentence."""

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.db.models import Role
from tests.support.office import Office

NAMES = [
    "search", "cursor", "limit", "status", "priority", "type", "assignee", "customer_id",
    "customer", "since", "until", "intent", "outcome", "caller", "line", "min_duration_s",
    "min_latency_s", "first", "last", "days", "download", "next", "saved",
]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["open", "completed", "billing", "1004", "W10", "\x00", "%", "' or 1=1 --"]),
)
QUERIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
PATHS = [
    "/api/customers", "/api/calls", "/api/calls/recent", "/api/tickets", "/api/analytics",
    "/api/analytics/daily", "/api/analytics/intents", "/calls", "/tickets", "/customers",
    "/analytics",
]  # fmt: skip


@pytest.fixture(scope="module")
def viewer(shared_office: Office) -> TestClient:
    return shared_office.signed_in(Role.VIEWER)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), params=QUERIES)
def test_any_query_gets_a_result_or_a_sentence(
    viewer: TestClient, path: str, params: dict[str, str]
) -> None:
    answer = viewer.get(
        path, params={k: v.encode("utf-8", "replace").decode() for k, v in params.items()}
    )
    assert answer.status_code in (200, 422)
    if answer.status_code == 422 and path.startswith("/api/"):
        assert answer.json()["error"]["message"]
