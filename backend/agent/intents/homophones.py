"""Words that sound alike, or that recognisers take for one another on a telephone line."""

from collections.abc import Mapping

_TABLE = """
account: a count, accounts
add: ad
alarm: a larm
amount: a mount
balance: balanced
be: bee
bill: build, bell
break: brake
by: buy, bye
can't: can
card: cart, car
cards: carts, cars
cash: catch
cell: sell
change: chains
charge: charged
charged: charge
check: cheque
code: cold
date: day, data
do: due
dollars: dollar
exchange: ex change
fee: feet, free
fees: feet
fill: feel
flight: fright
fly: fry
for: four, fort
four: for
gas: guess
great: grate
hear: here
here: hear
hotel: hole tell
hour: our
how: who
internet: inter net
it's: its
its: it's
know: no
late: lake
lost: last
made: maid
mail: male
meet: meat
modem: mode him
money: many
music: muse it
my: mine
need: knead
new: knew
no: know
not: knot
one: won
order: border
our: hour, are
paid: played
passed: past
pay: pave
payment: pavement
phone: fone, phones
pin: pen, pain
plan: plane, plant
rate: raid
recipe: receipt
refund: re fund, refunds
right: write
router: rooter
sale: sail
sea: see
see: sea
sell: cell
some: sum
son: sun
song: son
statement: state meant
stolen: stole in
sum: some
their: there
there: their
they're: there
through: threw
time: thyme
tire: tyre, tired
to: two, too
too: two
top: talk
transfer: trans fur, transferred
two: to
wait: weight
want: won't
wear: where
weather: whether
week: weak
weight: wait
where: wear, were
whether: weather
which: witch
why: y
wood: would
would: wood
write: right
you're: your
your: you're
"""

HOMOPHONES: Mapping[str, tuple[str, ...]] = {
    word: tuple(other.strip() for other in others.split(","))
    for word, others in (line.split(":") for line in _TABLE.strip().splitlines())
}
"""What each word may be written as."""
