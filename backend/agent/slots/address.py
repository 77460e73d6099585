"""Postal addresses: "twelve quay street apartment four b port ellis ohio four three two one oh"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.agent.slots.cardinals import ordinal, ordinal_figures
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spelling import spelled_at
from backend.agent.slots.spoken import CORRECTIONS, Spoken, is_number, phrase_at, phrases, spoken
from backend.agent.slots.spoken_digits import NUMBER_WORDS, digit_runs

_STREETS: Mapping[str, str] = {
    "street": "Street", "st": "Street", "road": "Road", "rd": "Road", "avenue": "Avenue",
    "ave": "Avenue", "lane": "Lane", "ln": "Lane", "drive": "Drive", "dr": "Drive",
    "court": "Court", "ct": "Court", "place": "Place", "pl": "Place", "boulevard": "Boulevard",
    "blvd": "Boulevard", "way": "Way", "square": "Square", "terrace": "Terrace",
    "close": "Close", "crescent": "Crescent", "parkway": "Parkway", "highway": "Highway",
    "circle": "Circle", "trail": "Trail", "row": "Row", "quay": "Quay", "gardens": "Gardens",
    "grove": "Grove", "walk": "Walk", "mews": "Mews", "alley": "Alley", "loop": "Loop",
    "plaza": "Plaza", "hill": "Hill", "broadway": "Broadway", "rise": "Rise", "view": "View",
}  # fmt: skip
_DIRECTIONS = frozenset(
    {"north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"}
)
_NAMES_TOO = frozenset({"st", "hill", "quay", "grove", "view", "square"})
"""Kinds of street that are names before another kind: "quay street"."""
_POINTS = frozenset("nsew")
"""Directions, not letters of a house number."""
_UNITS: Mapping[str, str] = {
    "apartment": "Apartment", "apt": "Apartment", "unit": "Unit", "suite": "Suite",
    "flat": "Flat", "floor": "Floor", "room": "Room", "building": "Building",
}  # fmt: skip
_NEVER = frozenset(
    """a about an and are as at away because been before block blocks but by can closed dead did do
    down for from get had has have he i in internet is it just last long many me megabits mile
    miles minute minutes hour hours more most my next no not of off on one only or other our out
    over past people same she since so stuck than that their them then there they this those through
    times to too up
    us was we went were what when where which who will with working works years year would you your
    dollars cents percent month months days day week weeks out""".split()
)
"""Words no street is named after; "the" may be one: "twelve the crescent"."""
_STATES = frozenset(
    phrases(
        """alabama; alaska; arizona; arkansas; california; colorado; connecticut; delaware;
        florida; georgia; hawaii; idaho; illinois; indiana; iowa; kansas; kentucky; louisiana;
        maine; maryland; massachusetts; michigan; minnesota; mississippi; missouri; montana;
        nebraska; nevada; new hampshire; new jersey; new mexico; new york; north carolina;
        north dakota; ohio; oklahoma; oregon; pennsylvania; rhode island; south carolina;
        south dakota; tennessee; texas; utah; vermont; virginia; washington; west virginia;
        wisconsin; wyoming"""
    )
)
_AFTER = frozenset(
    """please thanks thank and but that's that is i i'm my if you it the we so because since right
    now okay when where there need have has no sorry moved yes isn't""".split()
)
"""Ends the town."""
_BOX = phrases("p o box; po box; post office box; post box")
_MOST_STREET_WORDS = 4
_MOST_TOWN_WORDS = 3
_MOST_NUMBER = 6
_ZIP = 5


@dataclass(frozen=True, slots=True)
class Address:
    """`str()`: `12 Quay Street, Apartment 4B, Port Ellis, Ohio 43210`."""

    street: str
    """With its number, or a post-office box."""
    unit: str = ""
    town: str = ""
    state: str = ""
    postcode: str = ""

    def __str__(self) -> str:
        region = " ".join(filter(None, (self.state, self.postcode)))
        return ", ".join(filter(None, (self.street, self.unit, self.town, region)))


@dataclass(frozen=True, slots=True)
class _Found:
    address: Address
    start: int
    end: int
    confidence: float


class AddressReader:
    """Finds a house number with a street after it; town, state and postcode where they follow."""

    def read(self, text: str) -> SlotValue[Address] | None:
        """The address; of several the last."""
        words = spoken(text)
        best: _Found | None = None
        position = 0
        while position < len(words.words):
            found = _at(words.words, position)
            if found is None:
                position += 1
                continue
            best = _merged(words, best, found) if best else found
            position = found.end
        best = _renumbered(words, best) if best else None
        if best is None:
            return None
        address = best.address
        spans = words.span(best.start, best.end)
        return SlotValue(address, best.confidence, spans, _read_back(address))

    def keyed(self, keys: str) -> SlotValue[Address] | None:
        """Nobody keys an address."""
        del keys
        return None


def _at(words: Sequence[str], at: int) -> _Found | None:
    """An address that begins at `at`."""
    box = phrase_at(words, at, _BOX)
    if box:
        number = _number(words, at + box)
        street, unit, end = (f"PO Box {number[0]}", "", number[1]) if number else ("", "", at)
    else:
        unit, start = _unit(words, at)
        street, end = _street(words, start)
    if not street:
        return None
    if not unit:
        unit, end = _unit(words, end)
    town, end = _town(words, end)
    state, end = _state(words, end)
    postcode, end = _postcode(words, end)
    address = Address(street, unit, town, state, postcode)
    confidence = CERTAIN if town and postcode else LIKELY
    return _Found(address, at, end, confidence)


def _street(words: Sequence[str], at: int) -> tuple[str, int]:
    """ "Twelve quay street", "forty five west forty second street", "9 the crescent"."""
    for number, start in _numbers(words, at):
        name, end = _street_name(words, start)
        if name:
            return f"{number} {name}", end
    return "", at


def _street_name(words: Sequence[str], at: int) -> tuple[str, int]:
    """ "Quay street", "west forty second street", "saint james court north"."""
    name: list[str] = []
    position = at
    while position < len(words) and len(name) <= _MOST_STREET_WORDS:
        word = words[position]
        kind = _STREETS.get(word)
        goes_on = word in _NAMES_TOO and _word(words, position + 1) in _STREETS
        if kind and (name or word == "broadway") and not goes_on:
            end = position + 1
            direction = _word(words, end) in _DIRECTIONS
            tail = [words[end].title()] if direction else []
            return " ".join([*name, kind, *tail]), end + direction
        nth = ordinal(words, position)
        if nth:
            name.append(ordinal_figures(nth.value))
            position = nth.end
        elif word in _NEVER or is_number(word) or word in _UNITS:
            break
        else:
            name.append("Saint" if word == "st" else word.capitalize())
            position += 1
    return "", at


def _numbers(words: Sequence[str], at: int) -> list[tuple[str, int]]:
    """The house number at `at`, read as long and as short as it may be.

    "Twelve twenty first street" is 12, 21st Street: the tens may belong to the street.
    """
    number = _number(words, at)
    if number is None:
        return []
    digits, end = number
    readings = [(digits, end)]
    tens = ordinal(words, end - 1)
    if tens and tens.end > end and end - 1 > at:
        shorter = digit_runs(words[at : end - 1])
        if shorter:
            readings.insert(0, (shorter[0].digits, end - 1))
    letter = _word(words, end)
    if len(letter) == 1 and letter.isalpha() and letter not in _POINTS:
        readings.insert(0, (digits + letter.upper(), end + 1))
    return readings


def _number(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """Up to six digits that begin at `at`; words that only sound like digits do not."""
    word = _word(words, at)
    if not is_number(word) and word not in NUMBER_WORDS:
        return None
    runs = digit_runs(words[at : at + 12])
    if not runs or runs[0].start != 0 or runs[0].optional_head:
        return None
    if is_number(word) and ordinal(words, at):
        return None  # "5th avenue" is a street without a number
    digits = runs[0].digits[: len(runs[0].digits) - runs[0].optional_tail]
    end = at + runs[0].end - runs[0].optional_tail
    return (digits, end) if 0 < len(digits) <= _MOST_NUMBER else None


def _unit(words: Sequence[str], at: int) -> tuple[str, int]:
    """ "Apartment four b", "unit b", "third floor"."""
    floor = ordinal(words, at)
    if floor and _word(words, floor.end) == "floor":
        return f"{ordinal_figures(floor.value)} Floor", floor.end + 1
    kind = _UNITS.get(_word(words, at))
    if kind is None:
        return "", at
    position = at + 1 + (_word(words, at + 1) == "number")
    number = _unit_number(words, position)
    digits, position = number or ("", position)
    letter = _word(words, position)
    if len(letter) == 1 and letter.isalpha():
        digits, position = digits + letter.upper(), position + 1
    return (f"{kind} {digits}", position) if digits else ("", at)


def _unit_number(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """Its digits, leaving the house number alone: "flat three | twelve king street"."""
    word = _word(words, at)
    if is_number(word):
        return word, at + 1
    for length in (3, 2, 1):
        if any(_word(words, at + i) not in NUMBER_WORDS for i in range(length)):
            continue
        runs = digit_runs(words[at : at + length])
        following, _ = _street(words, at + length)
        if runs and runs[0].start == 0 and (following or not _street(words, at + 1)[0]):
            return runs[0].digits, at + length
    return None


def _town(words: Sequence[str], at: int) -> tuple[str, int]:
    """Up to three words that follow; nothing that begins something else."""
    position = at + (_word(words, at) == "in")
    name: list[str] = []
    while position < len(words) and len(name) < _MOST_TOWN_WORDS:
        word = words[position]
        taken = phrase_at(words, position, CORRECTIONS) or (name and _state_at(words, position))
        stop = word in _AFTER or word in NUMBER_WORDS or is_number(word) or word in _UNITS
        code = len(word) == 2 and len(_word(words, position + 1)) == _ZIP
        code = code and is_number(_word(words, position + 1))
        if taken or stop or code or len(word) < 2 or word in _NEVER:
            break
        name.append(word)
        position += 1
    return (" ".join(name).title(), position) if name else ("", at)


def _state(words: Sequence[str], at: int) -> tuple[str, int]:
    length = _state_at(words, at)
    if length:
        return " ".join(words[at : at + length]).title(), at + length
    code = _word(words, at)
    if len(code) == 2 and code.isalpha() and is_number(following := _word(words, at + 1)):
        return (code.upper(), at + 1) if len(following) == _ZIP else ("", at)
    spelled = spelled_at(words, at)
    if spelled and len(spelled.letters) == 2 and spelled.end == at + 2:
        return spelled.letters.upper(), spelled.end
    return "", at


def _state_at(words: Sequence[str], at: int) -> int:
    return phrase_at(words, at, _STATES)


def _postcode(words: Sequence[str], at: int) -> tuple[str, int]:
    """Five digits, after "zip code" or not."""
    start = at + phrase_at(words, at, phrases("zip; zip code; zip code is; postcode; postal code"))
    number = _number(words, start)
    if number and len(number[0]) == _ZIP:
        return number
    return "", at


def _merged(words: Spoken, before: _Found, found: _Found) -> _Found:
    """ "Twelve, no, fourteen quay street": the last one counts, towns are kept."""
    between = words.words[before.end : found.start]
    corrected = any(phrase_at(between, i, CORRECTIONS) for i in range(len(between)))
    if not corrected:
        return replace(found, confidence=GUESSED)
    old, new = before.address, found.address
    address = replace(
        new,
        unit=new.unit or old.unit,
        town=new.town or old.town,
        state=new.state or old.state,
        postcode=new.postcode or old.postcode,
    )
    return _Found(address, before.start, found.end, LIKELY)


def _renumbered(words: Spoken, found: _Found) -> _Found:
    """ "Twelve quay street, no, fourteen": only the number was wrong."""
    position = found.end
    length = phrase_at(words.words, position, CORRECTIONS)
    number = _number(words.words, position + length) if length else None
    if number is None or number[1] < len(words.words):
        return found
    street = found.address.street.partition(" ")[2]
    address = replace(found.address, street=f"{number[0]} {street}")
    return _Found(address, found.start, number[1], LIKELY)


def _read_back(address: Address) -> str:
    """The postcode digit by digit."""
    region = " ".join(filter(None, (address.state, " ".join(address.postcode))))
    return ", ".join(filter(None, (address.street, address.unit, address.town, region)))


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
