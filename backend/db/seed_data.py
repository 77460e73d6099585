"""The people and conversations a new database starts with, so that no page is empty.

The company is the one of the knowledge base that comes with Frontdesk. Numbers ending in 0100 to
0199 with 555 are set aside for fiction.
"""

from dataclasses import dataclass

from backend.core.records import CallOutcome, TicketPriority, TicketType


@dataclass(frozen=True, slots=True)
class Person:
    """A customer; `due_in_days` counts from the day of seeding."""

    number: str
    name: str
    balance: str
    plan: str
    phone: str
    address: str
    due_in_days: int | None = None
    status: str = "active"
    notes: str = ""

    @property
    def email(self) -> str:
        """Made from the name; `.example` never receives anything."""
        first, *_, last = self.name.lower().replace("'", "").replace("é", "e").split()
        return f"{first}.{last}@mail.example"


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller's turn, in one of several wordings."""

    wordings: tuple[str, ...]
    intent: str = ""
    gives_number: bool = False
    """The turn is the customer number; now and then it is keyed."""


@dataclass(frozen=True, slots=True)
class Bot:
    """The bot's turn. `{name}`, `{balance}`, `{due}`, `{plan}`, `{ticket}` are filled in."""

    text: str
    source: str
    opens_ticket: bool = False
    transfers: bool = False
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class TicketText:
    """What a scenario's ticket says."""

    type: TicketType
    subject: str
    description: str
    priority: TicketPriority = TicketPriority.NORMAL


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of call, and how many of them there are."""

    intent: str
    calls: int
    outcome: CallOutcome
    turns: tuple[Bot | Caller, ...]
    ticket: TicketText | None = None


PEOPLE = (
    Person("1001", "Maria Lopez", "45.00", "Family", "555-0101", "3 Harbor Lane, Port Ellis", 9),
    Person("1002", "James Carter", "0.00", "Basic", "555-0102", "48 Mill Road, Port Ellis"),
    Person("1003", "Aisha Khan", "-12.50", "Premium", "555-0103", "7 Lighthouse Hill, Port Ellis"),
    Person("1004", "Robert Miller", "123.45", "Family", "555-0104", "21 Quay St, Port Ellis", 5),
    Person("1005", "Chloé Martin", "69.00", "Premium", "555-0105", "15 Station Row, Wexley", 12),
    Person("1006", "Daniel O'Brien", "29.00", "Basic", "555-0106", "2 Orchard Close, Wexley", 2),
    Person(
        "1007", "Grace Okafor", "138.00", "Premium", "555-0107", "90 High Street, Wexley", -16,
        "suspended", "Two bills unpaid; agreed on the phone to pay in two parts.",
    ),
    Person("1008", "Peter Novak", "45.00", "Family", "555-0108", "11 Canal Walk, Wexley", 20),
    Person("1009", "Hannah Schmidt", "0.00", "Family", "555-0109", "6 Chapel Lane, Stonebridge"),
    Person("1010", "Yuki Tanaka", "29.00", "Basic", "555-0110", "33 River View, Stonebridge", 14),
    Person(
        "1011", "Olivia Brown", "69.00", "Premium", "555-0111", "5 Market Square, Stonebridge", 7,
        notes="Works from home: call before 9 or after 17.",
    ),
    Person("1012", "Samuel Green", "90.00", "Family", "555-0112", "17 Ferry Road, Port Ellis", -3),
    Person("1013", "Elena Petrova", "45.00", "Family", "555-0113", "64 Beacon Street, Wexley", 17),
    Person(
        "1014", "Thomas Wright", "0.00", "", "555-0114", "28 Pine Avenue, Stonebridge",
        status="closed", notes="Moved away; service ended at their request.",
    ),
)  # fmt: skip
"""1004 is the one the demo call asks about."""

_GREETING = Bot(
    "Thank you for calling Blue Harbor Internet. How can I help you?", "policy:greeting"
)
_ASK_NUMBER = Bot("Please tell me your four digit customer number.", "policy:verify")
_NUMBER = Caller((), gives_number=True)
_MORE = "Is there anything else I can help with?"
_NO = Caller(("no thank you", "no that's all", "that was everything thanks"), "no")
_GOODBYE = Bot("Thank you for calling Blue Harbor Internet. Goodbye.", "policy:goodbye")

_OUTAGE = (
    "my internet is down",
    "i have no internet since this morning",
    "the connection is gone again",
)

SCENARIOS = (
    Scenario(
        "billing",
        10,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(
                ("what is my account balance", "how much do i owe", "how much is my bill"),
                "billing",
            ),
            _ASK_NUMBER,
            _NUMBER,
            Bot(
                f"Thank you, {{name}}. Your balance is {{balance}}.{{due}} {_MORE}",
                "policy:billing",
            ),
            _NO,
            _GOODBYE,
        ),
    ),
    Scenario(
        "technical_support",
        7,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(_OUTAGE, "technical_support"),
            Bot(
                "I am sorry about that. Please unplug the router for thirty seconds, then plug it"
                " in again. Did that help?",
                "kb:troubleshooting/outage",
            ),
            Caller(("no", "no it is still off", "no nothing"), "no"),
            _ASK_NUMBER,
            _NUMBER,
            Bot(
                "Thank you, {name}. Our technicians will look into it. Your ticket number is"
                f" {{ticket}}. {_MORE}",
                "policy:technical_support",
                opens_ticket=True,
            ),
            _NO,
            _GOODBYE,
        ),
        TicketText(
            TicketType.TECHNICAL,
            "No internet connection",
            "Restarting the router did not help.",
            TicketPriority.HIGH,
        ),
    ),
    Scenario(
        "technical_support",
        4,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(("my internet is very slow", "pages take forever to load"), "technical_support"),
            Bot(
                "I am sorry about that. Please move closer to the router, or connect with a cable."
                " Did that help?",
                "kb:troubleshooting/slow",
                interrupted=True,
            ),
            Caller(("yes that is better", "yes much faster", "yes thank you"), "yes"),
            Bot(f"I am glad that helped. {_MORE}", "policy:technical_support"),
            _NO,
            _GOODBYE,
        ),
    ),
    Scenario(
        "unknown",
        5,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(("when are you open", "what are your opening hours"), "unknown"),
            Bot(
                "We are open Monday to Friday from eight to six, and Saturday from nine to one."
                f" {_MORE}",
                "kb:faq/opening-hours",
            ),
            _NO,
            _GOODBYE,
        ),
    ),
    Scenario(
        "new_service",
        4,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(
                ("which plans do you have", "i would like to sign up for internet"), "new_service"
            ),
            Bot(
                "We have three plans. Basic is 50 megabits for $29 a month. Family is 250 megabits"
                " for $45 a month. Premium is one gigabit for $69 a month. Which one would you"
                " like?",
                "kb:plans",
                interrupted=True,
            ),
            Caller(("the family one please", "family", "the middle one"), "new_service"),
            Bot(
                "All right, Family. Our sales team will call you back. Your ticket number is"
                f" {{ticket}}. {_MORE}",
                "policy:new_service",
                opens_ticket=True,
            ),
            _NO,
            _GOODBYE,
        ),
        TicketText(TicketType.SALES, "Interested in Family", "Call back about the Family plan."),
    ),
    Scenario(
        "cancellation",
        2,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(("i want to cancel my service", "please cancel my contract"), "cancellation"),
            _ASK_NUMBER,
            _NUMBER,
            Bot("Do you want to cancel your service?", "policy:cancellation"),
            Caller(("yes", "yes i do"), "yes"),
            Bot(
                "I have passed on your cancellation. Someone will call you to confirm it. Your"
                f" ticket number is {{ticket}}. {_MORE}",
                "policy:cancellation",
                opens_ticket=True,
            ),
            _NO,
            _GOODBYE,
        ),
        TicketText(
            TicketType.CANCELLATION,
            "Wants to cancel",
            "Confirm by phone before ending the service.",
            TicketPriority.HIGH,
        ),
    ),
    Scenario(
        "complaint",
        3,
        CallOutcome.CALLER_HUNG_UP,
        (
            _GREETING,
            Caller(("i want to complain", "i am really not happy with you"), "complaint"),
            Bot("I am sorry to hear that. Please tell me what happened.", "policy:complaint"),
            Caller(
                (
                    "the technician was supposed to come on monday and nobody showed up",
                    "i have called three times this week and it still drops every evening",
                ),
                "complaint",
            ),
            Bot(
                "I am sorry about that. I have passed your complaint to our manager. Your ticket"
                " number is {ticket}.",
                "policy:complaint",
                opens_ticket=True,
                interrupted=True,
            ),
        ),
        TicketText(
            TicketType.COMPLAINT,
            "Complaint",
            "The caller's words are in the transcript.",
            TicketPriority.URGENT,
        ),
    ),
    Scenario(
        "human",
        4,
        CallOutcome.TRANSFERRED,
        (
            _GREETING,
            Caller(("can i talk to a person", "give me a human please"), "human"),
            Bot("One moment, I will put you through.", "policy:human", transfers=True),
        ),
    ),
    Scenario(
        "account_info",
        3,
        CallOutcome.COMPLETED,
        (
            _GREETING,
            Caller(("which plan am i on", "tell me about my account"), "account_info"),
            _ASK_NUMBER,
            _NUMBER,
            Bot(f"Thank you, {{name}}. Your plan is {{plan}}. {_MORE}", "policy:account_info"),
            _NO,
            _GOODBYE,
        ),
    ),
)
"""42 calls."""
