"""What is owed and when, and bills the caller does not agree with."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.verification import with_customer
from backend.agent.turn import Turn
from backend.core.records import TicketType

DISPUTE = "dispute"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


async def begin(turn: Turn) -> None:
    """The caller asks about their bill."""
    if turn.guess.topic == DISPUTE:
        await with_customer(turn, Dispute(turn.heard.text))
    else:
        await with_customer(turn, Balance())


@dataclass(frozen=True, slots=True)
class Balance(Task):
    """Tells the balance once the customer is known."""

    async def resume(self, turn: Turn) -> None:
        """Say it."""
        customer = await turn.customer()
        if customer is None:
            turn.say("number_failed")
        elif customer.balance > 0:
            turn.say("balance_due", amount=spoken_amount(customer.balance, customer.currency))
            if customer.due_date:
                turn.say("balance_due_date", date=spoken_date(customer.due_date))
        elif customer.balance < 0:
            turn.say("balance_credit", amount=spoken_amount(-customer.balance, customer.currency))
        else:
            turn.say("balance_zero")
        anything_else(turn)


@dataclass(frozen=True, slots=True)
class Dispute(Task):
    """Opens a ticket once the customer is known."""

    said: str

    async def resume(self, turn: Turn) -> None:
        """Have the billing team look at it."""
        number = turn.open_ticket(TicketType.BILLING, "Caller disputes a bill", self.said)
        turn.say("billing_dispute")
        turn.say("ticket_number", ticket=number)
        anything_else(turn)


def spoken_amount(amount: Decimal, currency: str) -> str:
    """`$84.50`; a currency without a sign of its own follows the amount: `84.50 CHF`."""
    figure = f"{amount:.2f}"
    return f"{_SYMBOLS[currency]}{figure}" if currency in _SYMBOLS else f"{figure} {currency}"


def spoken_date(day: date) -> str:
    """`December 1`; the year is understood."""
    return f"{day:%B} {day.day}"
