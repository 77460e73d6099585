"""Word lists by which `claims` tells numbers, prices, dates and names from other words."""

from collections.abc import Mapping

CURRENCIES: Mapping[str, str] = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR",
    "dollar": "USD", "dollars": "USD", "buck": "USD", "bucks": "USD", "usd": "USD",
    "euro": "EUR", "euros": "EUR", "eur": "EUR", "pound": "GBP", "pounds": "GBP",
    "quid": "GBP", "gbp": "GBP", "franc": "CHF", "francs": "CHF", "chf": "CHF",
    "yen": "JPY", "rupees": "INR", "peso": "MXN", "pesos": "MXN",
}  # fmt: skip
CENTS = frozenset({"cent", "cents", "penny", "pennies", "pence"})
COST_WORDS = frozenset(
    """cost costs costing price prices priced pay pays paying payment charge charges charged fee
    fees rate rates bill billed tariff deposit""".split()
)
"""In a sentence with one of these, a number that counts nothing else is a price."""
FREE_WORDS: Mapping[str, str] = {
    "complimentary": "free", "gratis": "free", "waive": "free", "waived": "free", "waives": "free",
    "discount": "discount", "discounts": "discount", "discounted": "discount",
    "refund": "refund", "refunds": "refund", "refunded": "refund",
    "voucher": "discount", "coupon": "discount", "rebate": "discount",
}  # fmt: skip
"""Prices without a number."""
UNITS: Mapping[str, str] = {
    "second": "second", "seconds": "second", "sec": "second", "minute": "minute",
    "minutes": "minute", "min": "minute", "mins": "minute", "hour": "hour", "hours": "hour",
    "hrs": "hour", "day": "day", "days": "day", "week": "week", "weeks": "week",
    "month": "month", "months": "month", "year": "year", "years": "year",
    "megabit": "megabit", "megabits": "megabit", "mbps": "megabit", "mbit": "megabit",
    "gigabit": "gigabit", "gigabits": "gigabit", "gbps": "gigabit", "gbit": "gigabit",
    "megabyte": "megabyte", "megabytes": "megabyte", "mb": "megabyte",
    "gigabyte": "gigabyte", "gigabytes": "gigabyte", "gb": "gigabyte", "terabytes": "terabyte",
    "percent": "percent", "%": "percent", "mile": "mile", "miles": "mile",
    "kilometers": "km", "kilometres": "km", "km": "km", "meters": "metre", "metres": "metre",
    "am": "am", "pm": "pm", "degrees": "degree",
}  # fmt: skip
BEFORE_UNITS = frozenset({"working", "business", "calendar", "full", "whole", "more", "of"})
"""May stand between a number and what it counts."""
QUANTITIES = frozenset(
    """half halves quarter quarters dozen dozens couple twice thrice double doubles doubled triple
    tripled hundreds thousands millions billions billion trillion
    fortnight fortnights decade decades century centuries
    uno dos tres cuatro cinco siete ocho nueve diez veinte treinta cuarenta cincuenta deux trois
    quatre cinq sept huit neuf dix vingt trente quarante cinquante eins zwei drei vier sechs sieben
    acht neun zehn zwanzig hundert tausend""".split()
)
"""Numbers that are neither cardinal nor ordinal, and those of other languages."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT_WEEKDAYS: Mapping[str, str] = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
}  # fmt: skip
"""Only when written with a capital: "the sun sat low" names no day."""
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
SHORT_MONTHS: Mapping[str, str] = {
    name[:3]: name for name in MONTHS if name not in ("may", "march")
} | {"sept": "september"}
ALSO_WORDS = frozenset({"may", "march", "august"})
"""Months only with a capital inside the sentence, or beside a number."""
MOMENTS = frozenset(
    """today tonight tomorrow yesterday noon midday midnight weekend weekends weekday weekdays
    morning mornings afternoon afternoons evening evenings night nights overnight summer winter
    autumn christmas easter thanksgiving halloween ramadan hanukkah""".split()
)
BEFORE_A_DAY = frozenset({"on", "by", "until", "till", "since", "from", "before", "after"})
"""With "the" and an ordinal: "by the third"."""
SHIFTS = frozenset({"next", "last", "this", "coming"})
PERIODS = frozenset({"week", "month", "year", "quarter", "weekend", *WEEKDAYS, *MONTHS})

TITLES = frozenset({"mr", "mrs", "ms", "miss", "mister", "dr", "doctor", "professor", "captain"})
NO_NAMES = frozenset(
    "i i'm i've i'll i'd ok okay wifi wi fi internet tv am pm id router modem email".split()
)
"""Written with a capital without being a name of anything."""
OPENERS = frozenset(
    """a about absolutely after again all also although always an and another any anyone anything
    apart are as ask at based basically because before both but by call can certainly check
    clearly could currently customers depending did do does don't each either every everyone
    everything exactly fact facts feel finally first for from generally give given good great had
    hardly has have having he hello help her here hi his how however i if in indeed instead is isn't
    it it's its just keep know let let's like look many maybe might more most mostly my never no
    nobody none nor normally not nothing now of often oh on once one only or other others otherwise
    our over perhaps plans please probably rather really regarding right several she should simply
    since so some someone sometimes soon sorry still such sure take tell thank thanks that that's
    the their them then there there's therefore these they this those though through to try under
    unfortunately unless until up us use usually very we we'd we'll we're we've well were what
    what's when where whether which while who why will with within without would yes yet you you'd
    you'll you're you've your""".split()
)
"""Words a sentence begins with: their capital says nothing. Any other one may be a name."""
LOWER_CASE_WORDS = frozenset(
    """may grace hope faith joy dawn rich frank pat max ray dean gene rose iris ruby amber summer
    chase miles art rob sue drew grant wade reed dale glen heath clay cliff lance pearl penny robin
    violet olive ivy holly heather sky skye star carol ginger angel christian major prince baker
    cook bishop hunter porter taylor mason carter cooper fisher parker spencer turner tanner tyler
    will mark bill jack nick josh rusty sandy misty randy gay guy lee ward stone wood woods field
    hill lake brook bush park green brown black white gray grey young king knight bell ball cross
    day price long short small strong wise best cole case lane page banks fields rivers rice love
    marshal marshall walker potter weaver butler gardener gardner shepherd""".split()
)
"""Names that are words as well: in lower case they are taken to be the word."""
