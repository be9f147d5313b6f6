"""Month ends, leap years, and the anchor that they come back to."""

from scenario import Scenario
from scenarios.steps import annual, monthly, trial

PERIODS = ("status", "current_period_start", "current_period_end", "charges")


def renewals(name, source, start, ends, first=None, time="10:30:00"):
    """From a start through renewals on the days that somebody wrote down."""
    ends = ends.split()
    steps = [first or monthly()]
    for end in ends:
        steps += [("end-1s",), (f"{end}T{time}Z",)]
    return Scenario(
        name,
        source,
        f"{start}T{time}Z",
        *steps,
        only=PERIODS,
        by_hand={"charge_days": [start, *ends]},
    )


SCENARIOS = [
    renewals(
        "D01 monthly from 31 January comes back to the 31st",
        "trust D01: Stripe billing cycle, Lago, Kill Bill; 2023 as 2031",
        "2031-01-31",
        "2031-02-28 2031-03-31 2031-04-30 2031-05-31",
    ),
    renewals(
        "D02 monthly from 31 January of a leap year",
        "trust D02: Stripe, Lago; 2024 as 2032",
        "2032-01-31",
        "2032-02-29 2032-03-31",
    ),
    renewals(
        "D03 fifteen renewals from 31 December into a leap year",
        "trust D03: Lago; 2022 as 2030",
        "2030-12-31",
        "2031-01-31 2031-02-28 2031-03-31 2031-04-30 2031-05-31 2031-06-30 2031-07-31 2031-08-31 "
        "2031-09-30 2031-10-31 2031-11-30 2031-12-31 2032-01-31 2032-02-29 2032-03-31",
    ),
    renewals(
        "D04 monthly from 30 April over two Februaries",
        "trust D04: Lago; 2022 as 2030",
        "2030-04-30",
        "2030-05-30 2030-06-30 2030-07-30 2030-08-30 2030-09-30 2030-10-30 2030-11-30 2030-12-30 "
        "2031-01-30 2031-02-28 2031-03-30 2031-04-30 2031-05-30 2031-06-30 2031-07-30 2031-08-30 "
        "2031-09-30 2031-10-30 2031-11-30 2031-12-30 2032-01-30 2032-02-29 2032-03-30",
    ),
    renewals(
        "D05 monthly from 28 February stays on the 28th",
        "trust D05: Lago; 2022 as 2030",
        "2030-02-28",
        "2030-03-28 2030-04-28 2030-05-28 2030-06-28",
    ),
    renewals(
        "D05 also in the next leap year",
        "trust D05: Lago; 2022 as 2031",
        "2031-11-28",
        "2031-12-28 2032-01-28 2032-02-28 2032-03-28",
    ),
    Scenario(
        "D06 monthly from 31 March is charged on 30 April only",
        "trust D06: Lago; 2023 as 2031",
        "2031-03-31T10:30:00Z",
        monthly(),
        ("2031-04-29T10:30:00Z",),
        ("2031-04-30T10:29:59Z",),
        ("2031-04-30T10:30:00Z",),
        ("2031-05-01T10:30:00Z",),
        by_hand={"charge_days": ["2031-03-31", "2031-04-30"]},
    ),
    renewals(
        "D07 monthly from 29 January",
        "trust D07, derived; 2023 as 2031",
        "2031-01-29",
        "2031-02-28 2031-03-29 2031-04-29",
    ),
    Scenario(
        "D08 a trial to the 30th, then the last day of February",
        "trust D08: Kill Bill, as a trial of 30 days",
        "2031-12-31T08:01:01Z",
        trial(),
        ("2032-01-30T08:01:00Z",),
        ("2032-01-30T08:01:01Z",),
        ("2032-02-29T08:01:00Z",),
        ("2032-02-29T08:01:01Z",),
        ("2032-03-30T08:01:01Z",),
        by_hand={"charge_days": ["2032-01-30", "2032-02-29", "2032-03-30"]},
    ),
    renewals(
        "D09 annual from 30 January",
        "trust D09: Kill Bill; 2012 as 2028",
        "2028-01-30",
        "2029-01-30 2030-01-30",
        first=annual(),
    ),
    renewals(
        "D10 monthly from the 31st of a month before one of 30 days",
        "trust D10: Kill Bill; 2012 as 2028",
        "2028-03-31",
        "2028-04-30 2028-05-31 2028-06-30",
    ),
    renewals(
        "D11 seven months are not seven times 30 days",
        "trust D11: Kill Bill; 2016 as 2028",
        "2028-04-08",
        "2028-05-08 2028-06-08 2028-07-08 2028-08-08 2028-09-08 2028-10-08 2028-11-08",
    ),
    renewals(
        "D12 annual from 29 February is back on it in the next leap year",
        "trust D12: Lago; 2020 as 2028",
        "2028-02-29",
        "2029-02-28 2030-02-28 2031-02-28 2032-02-29 2033-02-28",
        first=annual(),
    ),
    Scenario(
        "D12 annual from 29 February is charged on 28 February only",
        "trust D12: Lago; 2020 as 2028",
        "2028-02-29T10:30:00Z",
        annual(),
        ("2031-02-27T10:30:00Z",),
        ("2031-02-28T10:29:59Z",),
        ("2031-02-28T10:30:00Z",),
        ("2031-03-01T10:30:00Z",),
    ),
    Scenario(
        "D13 periods over a leap day touch and never overlap",
        "trust D13: Lago; 2024 as 2032",
        "2028-02-29T00:00:00Z",
        annual(),
        ("2032-02-28T23:59:59Z",),
        ("2032-02-29T00:00:00Z",),
        ("2033-02-27T23:59:59Z",),
        ("2033-02-28T00:00:00Z",),
    ),
    renewals(
        "D17 monthly from 30 January is billed on 29 February",
        "trust D17: Lago issue 1840; 2024 as 2032",
        "2032-01-30",
        "2032-02-29 2032-03-30",
    ),
    renewals(
        "the anchor's day is kept through a year of 31sts",
        "derived",
        "2027-05-31",
        "2027-06-30 2027-07-31 2027-08-31 2027-09-30 2027-10-31 2027-11-30 2027-12-31 2028-01-31 "
        "2028-02-29 2028-03-31 2028-04-30 2028-05-31",
    ),
    renewals(
        "the last microsecond of a month",
        "derived",
        "2027-01-31",
        "2027-02-28 2027-03-31",
        time="23:59:59.999999",
    ),
    renewals(
        "the first instant of a month",
        "derived",
        "2027-03-01",
        "2027-04-01 2027-05-01 2027-06-01",
        time="00:00:00",
    ),
    renewals(
        "annual over two leap years from a common day",
        "derived",
        "2027-03-01",
        "2028-03-01 2029-03-01 2030-03-01 2031-03-01 2032-03-01",
        first=annual(),
    ),
    renewals(
        "annual from 28 February never moves to the 29th",
        "derived",
        "2027-02-28",
        "2028-02-28 2029-02-28",
        first=annual(),
    ),
    renewals(
        "monthly from 29 February comes back to the 29th",
        "derived",
        "2028-02-29",
        "2028-03-29 2028-04-29 2028-05-29",
    ),
    renewals(
        "annual from the last day of a year",
        "derived",
        "2027-12-31",
        "2028-12-31 2029-12-31",
        first=annual(),
        time="23:59:59",
    ),
]
