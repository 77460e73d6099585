"""The sentences the bot can say, as templates with named slots."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backend.agent.sentences import split_sentences

COMPANY_SLOTS = frozenset(
    {"company", "hours", "address", "phone", "email", "website", "number_length", "plan_count"}
)
"""Filled when the knowledge base is loaded; allowed in every response, FAQ answer and step."""

RESPONSES: Mapping[str, frozenset[str]] = {
    key: frozenset(slots.split())
    for key, slots in {
        "greeting": "",
        "hello_again": "",
        "how_can_i_help": "",
        "anything_else": "",
        "what_else": "",
        "you_are_welcome": "",
        "goodbye": "",
        "time_up": "",
        "give_up_silence": "",
        "give_up_unclear": "",
        "silence": "",
        "unclear": "",
        "menu_intro": "",
        "menu_option": "key choice",
        "menu_wrong_key": "",
        "yes_no_hint": "",
        "take_your_time": "",
        "never_mind": "",
        "confirm_topic": "about",
        "which_topic": "first second",
        "next_topic": "about",
        "confirm_number": "number",
        "confirm_denied": "",
        "ask_number": "",
        "number_not_found": "number",
        "number_incomplete": "",
        "number_again": "",
        "number_where": "",
        "number_failed": "",
        "number_skipped": "",
        "verified": "name",
        "balance_due": "amount",
        "balance_due_date": "date",
        "balance_zero": "",
        "balance_credit": "amount",
        "billing_dispute": "",
        "account_plan": "plan",
        "account_no_plan": "",
        "account_status": "status",
        "plans_intro": "",
        "plan_offer": "plan speed price",
        "ask_plan": "",
        "plan_not_clear": "",
        "plan_chosen": "plan",
        "plan_none": "",
        "ask_phone": "",
        "phone_incomplete": "",
        "confirm_phone": "number",
        "ask_callback_time": "",
        "callback_time_over": "",
        "callback_at": "time",
        "sales_ticket": "",
        "cancel_confirm": "",
        "cancel_kept": "",
        "cancel_ticket": "",
        "complaint_ask": "",
        "complaint_ticket": "",
        "support_sorry": "",
        "support_ask": "",
        "support_next": "",
        "support_helped": "",
        "support_solved": "",
        "support_ticket": "",
        "ticket_number": "ticket",
        "human_transfer": "",
        "human_unavailable": "",
        "transfer_failed": "",
        "callback_ticket": "",
        "unknown": "",
        "unknown_hint": "",
        "not_in_facts": "",
        "from_documents": "",
        "offer_person": "",
        "offer_callback": "",
        "records_unavailable": "",
        "trouble": "",
        "filler": "",
    }.items()
}
"""Every response the policies use, with the slots it is given besides the company's."""


DEFAULT_RESPONSES: dict[str, tuple[str, ...]] = {
    "filler": ("One moment, please.",),
    "not_in_facts": ("I do not know that for sure.",),
    "from_documents": ("This is what I found.",),
    "which_topic": ("Is it about {first}, or about {second}?",),
    "next_topic": ("Now about {about}.",),
}
"""Wordings of what a knowledge base may leave out."""


class TemplateError(ValueError):
    """A template uses braces in a way that is not a plain slot."""


def slots_of(template: str) -> frozenset[str]:
    """Names of the `{slots}` in a template. Raises TemplateError for anything but plain names."""
    names: set[str] = set()
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise TemplateError(f"has a brace that is not closed or not opened ({error})") from error
    for _, name, form, conversion in fields:
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise TemplateError(f"has a slot that is not a plain name: {{{name}}}")
        names.add(name)
    return frozenset(names)


def fill(template: str, slots: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences of a template with its slots filled.

    Cut first and filled afterwards, so that "J. Smith" in a slot does not end a sentence.
    """
    return tuple(sentence.format_map(slots) for sentence in split_sentences(template))


@dataclass(frozen=True, slots=True)
class Responses:
    """Templates per response, at least one wording each; the first is the default."""

    templates: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str]
    """Values of `COMPANY_SLOTS`."""

    def sentences(self, key: str, use: int = 0, /, **slots: str) -> tuple[str, ...]:
        """Response `key` with its slots filled. `use` counts earlier uses: wordings take turns."""
        wordings = self.templates[key]
        return fill(wordings[use % len(wordings)], {**self.constants, **slots})

    def every_wording(self, key: str, /, **slots: str) -> Iterator[str]:
        """Sentences of all wordings of one response."""
        for use in range(len(self.templates[key])):
            yield from self.sentences(key, use, **slots)

    def fixed_sentences(self) -> Iterator[str]:
        """All sentences that need no slots of the moment, in the order of `RESPONSES`."""
        for key in RESPONSES:
            for wording in self.templates[key]:
                for sentence in split_sentences(wording):
                    if slots_of(sentence) <= COMPANY_SLOTS:
                        yield sentence.format_map(self.constants)
