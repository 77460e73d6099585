"""The grammar of a spoken number, for questions that ask for one (JSGF)."""

DIGITS = tuple("oh zero one two three four five six seven eight nine".split())
TEENS = tuple(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("double", "triple", "hundred", "thousand")
_LARGE = {
    3: [("(a | <count>)", "hundred")],
    4: [("(a | <count>)", "thousand"), ("<teen>", "hundred")],
    5: [("<teen>", "thousand")],
}
"""By how many digits they have, the numbers said with a hundred or a thousand in them."""
_LEAD_INS = (
    "it's", "it is", "that's", "that is", "that would be", "i think it's", "the number is",
    "the customer number is", "my number is", "my customer number is", "my account number is",
)  # fmt: skip
TAKEN_BACK = ("no", "sorry", "no wait", "i mean", "no sorry")
"""Said between a slip in a number and the number."""
SLIP = 1e-4
"""Probability of digits that are taken back in the same breath: "one one no one zero"."""
SHORT = 1e-6
"""Probability of a number with too few digits. Of 72 halves said by three voices 67 were heard as
such (at 1e-12 52, at 1e-20 32), and no whole number was lost for it."""
_OPENERS = ("yes", "okay", "sure", "well", "um", "uh")

NUMBER_WORDS = frozenset((*DIGITS, *TEENS, *TENS, *_SCALES))
"""Words that make an utterance a number, or an attempt at one."""
WORDS = frozenset(
    (
        *NUMBER_WORDS,
        *("a", "and", *_OPENERS),
        *(word for text in (*_LEAD_INS, *TAKEN_BACK) for word in text.split()),
    )
)
"""Everything the grammar can hear."""


def number_grammar(min_digits: int, max_digits: int) -> str:
    """Numbers of these lengths: digit by digit, doubled, in pairs, with hundreds and thousands.

    Lengths are bounded by the grammar, which is what makes it surer than a language model. Shorter
    ones are unlikely, not impossible: who pauses after "one zero" must not be heard to say more.
    """
    whole = _forms(range(min_digits, max_digits + 1))
    short = _forms(range(1, min_digits))
    number = f"/{1 - SHORT:g}/ ( {whole} ) | /{SHORT:g}/ ( {short} )" if short else whole
    return f"""#JSGF V1.0;
grammar number;
public <number> = [<opener>] [<lead>] ( /{1 - SLIP:g}/ <said> | /{SLIP:g}/ <corrected> );
<corrected> = <slip> <back> ( <said> | <slip> );
<said> = {number};
<slip> = <digit>{" [<digit>" * (max_digits - 1)}{"]" * (max_digits - 1)};
<back> = {" | ".join(TAKEN_BACK)};
<opener> = {" | ".join(_OPENERS)};
<lead> = {" | ".join(_LEAD_INS)};
<digit> = {" | ".join(DIGITS)};
<count> = {" | ".join(DIGITS[2:])};
<teen> = {" | ".join(TEENS)};
<tens> = {" | ".join(TENS)};
<pair> = <teen> | <tens> [<count>] | (oh | zero) <digit>;
"""


def _forms(lengths: range) -> str:
    """The ways to say numbers of so many digits."""
    single = " | ".join(" ".join(["<digit>"] * length) for length in lengths)
    doubled = " | ".join(
        form
        for length in lengths
        for form in (*_with("double", 2, length), *_with("triple", 3, length))
    )
    pairs = " | ".join(
        " ".join(["<digit>"] * (length % 2) + ["<pair>"] * (length // 2)) for length in lengths
    )
    large = "".join(
        f" | {multiplier} {scale} [[and] (<count> | <pair>)]"
        for length in lengths
        for multiplier, scale in _LARGE.get(length, ())
    )
    return " | ".join(form for form in (single, doubled, pairs) if form) + large


def _with(word: str, times: int, length: int) -> list[str]:
    """Strings of `length` digits of which some are said as `double five`."""
    if length < times:
        return []
    rest = length - times
    return [
        " ".join(["<digit>"] * place + [word, "<digit>"] + ["<digit>"] * (rest - place))
        for place in range(rest + 1)
    ]
