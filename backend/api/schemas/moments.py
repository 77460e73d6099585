"""Dates and instants as parameters: with a zone, and in years a telephone has existed in."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

_YEARS = range(1900, 2200)


def _in_range(value: date) -> date:
    if value.year not in _YEARS:
        raise ValueError(f"must be in the years {_YEARS[0]} to {_YEARS[-1]}")
    return value


def _instant_in_range(value: datetime) -> datetime:
    _in_range(value)
    return value


Day = Annotated[date, AfterValidator(_in_range)]
Instant = Annotated[AwareDatetime, AfterValidator(_instant_in_range)]
