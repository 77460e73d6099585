"""`frontdesk eval slots`: what it counts, and what it says of a table it cannot read."""

import json
from pathlib import Path

import pytest

from backend.cli.eval_slots import evaluate, read_table, run_eval_slots
from backend.core.errors import FrontdeskError


def table(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.tsv").write_text(text)
    return folder


def test_misses_and_wrong_guesses_are_counted_and_named(tmp_path: Path) -> None:
    folder = table(
        tmp_path,
        money="# dollars\nforty five fifty\tUSD 45.50\nfive dollars\tUSD 6.00\n",
        none="my internet is down\ni owe you ten dollars\n",
    )
    report = evaluate(read_table(folder))
    assert report.families == {"money": (1, 2)}
    assert report.accuracy == 0.5
    assert report.wrong_guesses == 0.5
    (miss,) = report.misses
    assert (miss.said, miss.value, miss.found) == ("five dollars", "USD 6.00", "USD 5.00")
    assert {guess.said for guess in report.guesses} == {"i owe you ten dollars"}


def test_the_figures_are_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_eval_slots(table(tmp_path, yes_no="nope\tno\n"), as_json=True)
    figures = json.loads(capsys.readouterr().out)
    assert figures["accuracy"] == 1
    assert figures["families"] == {"yes_no": 1}
    assert figures["p95_ms"] < 1000


def test_each_family_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_eval_slots(table(tmp_path, yes_no="nope\tyes\n", none="hello\n"), as_json=False)
    printed = capsys.readouterr().out
    assert "yes_no" in printed
    assert "'nope' is yes, found no" in printed


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "no table of phrasings"),
        ({"colour": "red\tred\n"}, "colour.tsv is named after no kind of slot"),
        ({"money": "five dollars\n"}, "money.tsv, line 1 must be a phrasing, a tab and its value"),
        ({"none": "# x\n\nhello\t5\n"}, "none.tsv, line 3 must be one sentence alone"),
        ({"money": b"\xff\xfe"}, "money.tsv is not text"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    tmp_path: Path, files: dict[str, str | bytes], complaint: str
) -> None:
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / f"{name}.tsv").write_bytes(data)
    with pytest.raises(FrontdeskError, match=complaint):
        read_table(tmp_path)
