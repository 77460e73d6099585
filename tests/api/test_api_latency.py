"""REST: where the time of a call's answers went."""

import pytest

from backend.api.schemas.latency import LatencyAnswer, LatencySummaryAnswer
from backend.db.models import Role
from tests.support.call_events import Script, short_call
from tests.support.office import Office

CALL = "20261121-090000-aaaaaa"
SINGLE = f"/api/calls/{CALL}/latency"
SUMMARY = f"/v1/convai/latency/{CALL}"
NOT_MEASURED = {"turns": 0, "p50_s": None, "p95_s": None, "max_s": None}


def eleven_answers() -> Script:
    """They take 0.1 s, 0.2 s, … 1.1 s; a twentieth of a second of each is recognition."""
    call = Script(CALL).started()
    for number in range(1, 12):
        call.asked("and?").answered(
            "So.", total_s=number / 10, recognition_s=0.05, thinking_s=number / 10 - 0.05
        )
    return call.ended()


def test_where_the_time_of_a_calls_answers_went(office: Office) -> None:
    office.happens(eleven_answers().events)
    answer = office.program().get(SINGLE).json()
    parts = {part["part"]: part for part in answer["parts"]}
    assert parts["total"]["turns"] == 11
    assert parts["total"]["p50_s"] == pytest.approx(0.6)
    assert parts["total"]["p95_s"] == pytest.approx(1.05)
    assert parts["total"]["max_s"] == pytest.approx(1.1)
    assert parts["recognition"]["p50_s"] == pytest.approx(0.05)
    assert parts["transport"] == {"part": "transport", **NOT_MEASURED}
    assert len(answer["turns"]) == 11


def test_the_summary_is_the_same_without_the_single_answers(office: Office) -> None:
    office.happens(eleven_answers().events)
    program = office.program(Role.VIEWER)
    single, summary = program.get(SINGLE).json(), program.get(SUMMARY).json()
    assert summary == {
        "call_id": CALL,
        "turns": 11,
        "total": single["parts"][-1],
        "parts": single["parts"][:-1],
    }
    assert summary["total"]["part"] == "total"


def test_the_parts_are_summed_up_in_the_order_in_which_they_happen(office: Office) -> None:
    office.happens(eleven_answers().events)
    parts = office.program().get(SUMMARY).json()["parts"]
    assert [part["part"] for part in parts] == [
        "endpoint_wait", "recognition", "thinking", "first_audio", "transport"
    ]  # fmt: skip
    assert parts[2]["max_s"] == pytest.approx(1.05)


def test_a_call_without_answers_has_a_summary_of_nothing(office: Office) -> None:
    office.happens(Script(CALL).started().ended().events)
    summary = office.program().get(SUMMARY).json()
    assert summary["turns"] == 0
    assert summary["total"] == {"part": "total", **NOT_MEASURED}


@pytest.mark.parametrize("path", ["/api/calls/{}/latency", "/v1/convai/latency/{}"])
@pytest.mark.parametrize("call_id", ["20200101-000000-ffffff", "a b", "..%2f..%2fetc", "x" * 100])
def test_a_call_that_does_not_exist_is_said_not_to(
    shared_office: Office, call_id: str, path: str
) -> None:
    answer = shared_office.program().get(path.format(call_id))
    is_well_formed = call_id == "20200101-000000-ffffff"
    assert answer.status_code in ((404,) if is_well_formed else (404, 422))
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", [SINGLE, SUMMARY])
def test_a_stranger_is_told_to_sign_in(office: Office, path: str) -> None:
    office.happens(short_call(CALL).events)
    answer = office.browser().get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not-signed-in")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/calls/{call_id}/latency", LatencyAnswer),
        ("/v1/convai/latency/{call_id}", LatencySummaryAnswer),
    ],
)
def test_the_schema_shows_an_answer_as_it_comes(
    shared_office: Office, path: str, answer: type[LatencyAnswer | LatencySummaryAnswer]
) -> None:
    schema = shared_office.program().get("/api/openapi.json").json()
    good = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    name = good["schema"]["$ref"].rsplit("/", 1)[-1]
    assert schema["components"]["schemas"][name]["examples"]
    (example,) = answer.model_json_schema()["examples"]
    shown = answer.model_validate(example).model_dump(mode="json")
    assert shown.keys() == example.keys()
    assert {part["part"] for part in shown["parts"]} >= {"recognition", "thinking"}
