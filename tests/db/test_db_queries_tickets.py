from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from backend.core.records import TicketDraft, TicketPriority, TicketStatus, TicketType
from backend.db.errors import ConflictError, InvalidError, NotFoundError
from backend.db.models import Ticket
from backend.db.queries.analytics import totals
from backend.db.queries.customers import CustomerDraft, create_customer
from backend.db.queries.tickets import (
    TicketChanges,
    TicketDetail,
    TicketFilter,
    count_tickets,
    create_ticket,
    get_ticket,
    list_tickets,
    update_ticket,
)
from backend.db.trouble import explain
from tests.support.call_events import NINE
from tests.support.db import writing

LATER = NINE + timedelta(hours=1)


def opened(engine: Engine, number: str = "123456", **changes: object) -> TicketDetail:
    draft = TicketDraft(number=number, type=TicketType.BILLING, subject="Too much", **changes)  # type: ignore[arg-type]
    with writing(engine) as session:
        return create_ticket(session, draft, by="dana", now=NINE)


def changed(engine: Engine, changes: TicketChanges, version: int | None = None) -> TicketDetail:
    with writing(engine) as session:
        return update_ticket(session, "123456", changes, by="luis", now=LATER, version=version)


def test_a_new_ticket_is_open_and_says_who_opened_it(engine: Engine) -> None:
    detail = opened(engine)
    assert (detail.ticket.status, detail.ticket.version) == (TicketStatus.OPEN, 1)
    assert [(change.by, change.new) for change in detail.history] == [("dana", "open")]
    with Session(engine) as session:
        assert totals(session, NINE.date(), NINE.date()).tickets == 1


def test_a_ticket_belongs_to_its_customer(engine: Engine) -> None:
    with writing(engine) as session:
        customer = create_customer(session, CustomerDraft(number="1004", name="Bob"), now=NINE)
    ticket = opened(engine, customer_number="1004").ticket
    assert (ticket.customer_id, ticket.customer_name) == (customer.id, "Bob")


def test_a_ticket_for_nobody_we_know_is_refused(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="no customer 9999"):
        opened(engine, customer_number="9999")
    draft = TicketDraft("1", TicketType.OTHER, "x")
    with writing(engine) as session, pytest.raises(NotFoundError, match="no call x"):
        create_ticket(session, draft, by="dana", now=NINE, call_id="x")


def test_every_change_is_a_line_of_history(engine: Engine) -> None:
    opened(engine)
    detail = changed(
        engine,
        {"status": TicketStatus.IN_PROGRESS, "assignee": "luis", "note": "I will call them."},
    )
    assert detail.ticket.status is TicketStatus.IN_PROGRESS
    assert detail.ticket.updated_at == LATER
    lines = [(change.by, change.field, change.old, change.new) for change in detail.history[1:]]
    assert lines == [
        ("luis", "status", "open", "in_progress"),
        ("luis", "assignee", "", "luis"),
        ("luis", "note", "", "I will call them."),
    ]


def test_what_stays_the_same_is_no_change(engine: Engine) -> None:
    before = opened(engine)
    assert changed(engine, {"status": TicketStatus.OPEN, "note": ""}) == before


def test_the_version_goes_up_with_every_change_also_with_a_note(engine: Engine) -> None:
    opened(engine)
    versions = [changed(engine, {"note": f"{n}"}).ticket.version for n in range(3)]
    assert versions == sorted(set(versions))
    assert versions[0] > 1


def test_a_change_made_from_an_old_version_is_refused(engine: Engine) -> None:
    version = opened(engine).ticket.version
    changed(engine, {"priority": TicketPriority.HIGH}, version)
    with pytest.raises(ConflictError, match="Somebody else changed ticket 123456"):
        changed(engine, {"priority": TicketPriority.LOW}, version)
    with Session(engine) as session:
        assert get_ticket(session, "123456").ticket.priority is TicketPriority.HIGH


def test_a_change_made_at_the_very_same_moment_is_refused_too(engine: Engine) -> None:
    opened(engine)
    with writing(engine) as session:
        seen = session.scalar(select(Ticket))
        session.execute(text("UPDATE tickets SET version = 99"))
        with pytest.raises(StaleDataError) as caught:
            update_ticket(session, "123456", {"note": "x"}, by="luis", now=LATER)
        assert seen is not None
        session.rollback()
    assert isinstance(explain(caught.value, engine.url), ConflictError)


def test_what_a_ticket_does_not_have_cannot_be_changed(engine: Engine) -> None:
    opened(engine)
    for field in ("number", "version", "nonsense", "__class__"):
        with pytest.raises(InvalidError, match="can be changed"):
            changed(engine, {field: "x"})  # type: ignore[misc]


def test_a_ticket_that_is_not_there_is_not_found(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="no ticket 123456"):
        changed(engine, {"note": "x"})
    with Session(engine) as session, pytest.raises(NotFoundError):
        get_ticket(session, "' OR 1=1 --")


@pytest.mark.parametrize(
    ("which", "numbers"),
    [
        (TicketFilter(), ["3", "2", "1"]),
        (TicketFilter(status=TicketStatus.CLOSED), ["1"]),
        (TicketFilter(priority=TicketPriority.URGENT), ["3"]),
        (TicketFilter(type=TicketType.SALES), ["2"]),
        (TicketFilter(assignee=""), ["3", "2"]),
        (TicketFilter(assignee="dana"), ["1"]),
        (TicketFilter(customer_id=1), ["3"]),
        (TicketFilter(since=LATER), ["3"]),
        (TicketFilter(until=LATER), ["2", "1"]),
        (TicketFilter(call_id="x"), []),
    ],
)
def test_filters_narrow_the_list(engine: Engine, which: TicketFilter, numbers: list[str]) -> None:
    with writing(engine) as session:
        create_customer(session, CustomerDraft(number="1004", name="Bob"), now=NINE)
        for draft, at in (
            (TicketDraft("1", TicketType.BILLING, "x"), NINE),
            (TicketDraft("2", TicketType.SALES, "x"), NINE),
            (TicketDraft("3", TicketType.OTHER, "x", "", TicketPriority.URGENT, "1004"), LATER),
        ):
            create_ticket(session, draft, by="dana", now=at)
        changes: TicketChanges = {"status": TicketStatus.CLOSED, "assignee": "dana"}
        update_ticket(session, "1", changes, by="dana", now=LATER)
    with Session(engine) as session:
        page = list_tickets(session, which, limit=2)
        rest = list_tickets(session, which, limit=2, cursor=page.next_cursor)
    rest_items = rest.items if page.next_cursor else []
    assert [ticket.number for ticket in page.items + rest_items] == numbers


def test_tickets_are_counted_by_where_they_stand(engine: Engine) -> None:
    opened(engine)
    with Session(engine) as session:
        counts = count_tickets(session)
    assert counts == dict.fromkeys(TicketStatus, 0) | {TicketStatus.OPEN: 1}
