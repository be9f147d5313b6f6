"""Instants and months, counted by hand.

An instant is a whole number of microseconds since 1970-01-01T00:00:00Z. Nothing here comes from
Python's calendar: `tables.py` compares it with one, and with dates that were written by hand.
"""

import re

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TEXT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z")
_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "us": 1}


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year, month):
    return 29 if month == 2 and is_leap(year) else _LENGTHS[month - 1]


def _days_before_year(year):
    """Days from 1970-01-01 to the first of January."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400 - 719_162


def days(year, month, day):
    """Days from 1970-01-01 to a date."""
    before = sum(month_length(year, earlier) for earlier in range(1, month))
    return _days_before_year(year) + before + day - 1


def date(count):
    """The date so many days after 1970-01-01; not before it."""
    assert count >= 0
    year = 1970 + count // 366
    while _days_before_year(year + 1) <= count:
        year += 1
    rest, month = count - _days_before_year(year), 1
    while rest >= month_length(year, month):
        rest -= month_length(year, month)
        month += 1
    return year, month, rest + 1


def parse(text):
    year, month, day, hour, minute, second, part = _TEXT.fullmatch(text).groups()
    whole = days(int(year), int(month), int(day)) * DAY
    whole += int(hour) * HOUR + int(minute) * MINUTE + int(second) * SECOND
    return whole + int((part or "0").ljust(6, "0"))


def show(instant):
    year, month, day = date(instant // DAY)
    rest = instant % DAY
    part = rest % SECOND
    fraction = f".{part:06}".rstrip("0") if part else ""
    hour, minute, second = rest // HOUR, rest // MINUTE % 60, rest // SECOND % 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"


def day_of_month(instant):
    return date(instant // DAY)[2]


def add_months(instant, months):
    """The same day and time so many months later, or the last day of a shorter month."""
    year, month, day = date(instant // DAY)
    year, month = year + (month - 1 + months) // 12, (month - 1 + months) % 12 + 1
    return days(year, month, min(day, month_length(year, month))) * DAY + instant % DAY


def offset(text):
    """`+30d-1s` in microseconds."""
    total, position = 0, 0
    for part in re.finditer(r"([+-])(\d+)(us|[dhms])", text):
        assert part.start() == position, text
        position = part.end()
        size = int(part[2]) * _UNITS[part[3]]
        total += size if part[1] == "+" else -size
    assert position == len(text), text
    return total
