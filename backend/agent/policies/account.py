"""Which plan the customer has and whether it is active. Nothing that identifies them further."""

from dataclasses import dataclass

from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.verification import with_customer
from backend.agent.turn import Turn


async def begin(turn: Turn) -> None:
    """The caller asks about their account."""
    await with_customer(turn, AccountDetails())


@dataclass(frozen=True, slots=True)
class AccountDetails(Task):
    """Tells the details once the customer is known.

    A customer number alone proves little: addresses, phone numbers and e-mail are never read out.
    """

    async def resume(self, turn: Turn) -> None:
        """Say them."""
        customer = await turn.customer()
        if customer is None:
            turn.say("number_failed")
        else:
            if customer.plan:
                turn.say("account_plan", plan=customer.plan)
            else:
                turn.say("account_no_plan")
            turn.say("account_status", status=customer.status.replace("_", " "))
        anything_else(turn)
