"""Every kind of slot there is, by name."""

from collections.abc import Mapping
from datetime import datetime

from backend.agent.slots.address import AddressReader
from backend.agent.slots.customer_number import CustomerNumberReader
from backend.agent.slots.email import EmailReader
from backend.agent.slots.money import MoneyReader
from backend.agent.slots.numbers import Length
from backend.agent.slots.person_name import NameReader
from backend.agent.slots.phone import PhoneReader
from backend.agent.slots.slot import SlotReader
from backend.agent.slots.when_slot import WhenReader
from backend.agent.slots.yes_no_slot import YesNoReader


def slot_readers(
    now: datetime, number_length: Length, *, region: str = "US", currency: str = "USD"
) -> Mapping[str, SlotReader[object]]:
    """Readers by family. Dates, times and both together are three families of one reader."""
    when = WhenReader(now)
    return {
        "customer_number": CustomerNumberReader(number_length),
        "phone": PhoneReader(region),
        "money": MoneyReader(currency),
        "date": when,
        "time": when,
        "date_time": when,
        "name": NameReader(),
        "address": AddressReader(),
        "email": EmailReader(),
        "yes_no": YesNoReader(),
    }
