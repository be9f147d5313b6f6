"""Dates and amounts that were written by hand, from what other engines document and test.

Each was checked against a paper calendar and not against the model.
"""

import datetime

from instants import DAY, add_months, date, days, is_leap, parse, show
from model import round_half_up

# Anchor, months in a period, and the ends of the first periods.
ENDS = [
    # Stripe's billing cycle, Lago, Kill Bill: the anchor's day comes back.
    ("2023-01-31", 1, "2023-02-28 2023-03-31 2023-04-30 2023-05-31"),
    ("2024-01-31", 1, "2024-02-29 2024-03-31"),
    (
        "2022-12-31",
        1,
        "2023-01-31 2023-02-28 2023-03-31 2023-04-30 2023-05-31 2023-06-30 2023-07-31 2023-08-31 "
        "2023-09-30 2023-10-31 2023-11-30 2023-12-31 2024-01-31 2024-02-29 2024-03-31",
    ),
    (
        "2022-04-30",
        1,
        "2022-05-30 2022-06-30 2022-07-30 2022-08-30 2022-09-30 2022-10-30 2022-11-30 2022-12-30 "
        "2023-01-30 2023-02-28 2023-03-30 2023-04-30",
    ),
    ("2022-02-28", 1, "2022-03-28 2022-04-28 2022-05-28"),
    ("2023-03-31", 1, "2023-04-30 2023-05-31"),
    ("2023-01-29", 1, "2023-02-28 2023-03-29"),
    ("2012-01-30", 1, "2012-02-29 2012-03-30"),
    ("2012-01-30", 12, "2013-01-30"),
    ("2016-04-08", 1, "2016-05-08 2016-06-08 2016-07-08 2016-08-08 2016-09-08 2016-10-08 2016-11-08"),
    ("2020-02-29", 12, "2021-02-28 2022-02-28 2023-02-28 2024-02-29 2025-02-28"),
    ("2096-02-29", 12, "2097-02-28 2098-02-28 2099-02-28 2100-02-28 2101-02-28"),
    ("2015-09-01", 1, "2015-10-01 2015-11-01 2015-12-01"),
]

# From, days of the trial, its end.
TRIALS = [
    ("2012-02-01", 30, "2012-03-02"),
    ("2013-02-01", 30, "2013-03-03"),
    ("2015-09-01", 30, "2015-10-01"),
    ("2017-03-01", 30, "2017-03-31"),
    ("2017-11-01", 30, "2017-12-01"),
    ("2027-01-01", 30, "2027-01-31"),
    ("2028-01-30", 30, "2028-02-29"),
]

# Paid, unused days, days of the period, credit.
CREDITS = [
    (24995, 20, 31, 16126),  # Kill Bill: 161.26 of 249.95
    (599995, 352, 366, 577044),  # Kill Bill: 352/366 of a leap year, not 352/365
    (290, 20, 28, 207),  # 0.714285714, 23 February to 15 March 2023
    (290, 21, 29, 210),  # 0.724137931, the same in 2024
    (290, 1, 2, 145),
    (1000, 1, 2, 500),  # Stripe: half of 10 is 5
    (5, 1, 2, 3),  # a half is rounded up
    (1990, 265, 365, 1445),  # 14.45 after 100 days
]


def check():
    instant = lambda text: parse(f"{text}T10:30:00Z")
    for anchor, months, ends in ENDS:
        found = [show(add_months(instant(anchor), months * (n + 1))) for n in range(len(ends.split()))]
        assert found == [f"{end}T10:30:00Z" for end in ends.split()], (anchor, found)
    for begin, length, end in TRIALS:
        assert instant(begin) + length * DAY == instant(end), begin
    for paid, unused, whole, credit in CREDITS:
        assert round_half_up(paid * unused * DAY, whole * DAY) == credit, (paid, unused, whole)
    _against_another_calendar()


def _against_another_calendar():
    first = datetime.date(1970, 1, 1)
    for count in range(100_000):
        there = first + datetime.timedelta(days=count)
        assert date(count) == (there.year, there.month, there.day), count
        assert days(*date(count)) == count
    assert [year for year in (1900, 2000, 2028, 2100, 2400) if is_leap(year)] == [2000, 2028, 2400]
