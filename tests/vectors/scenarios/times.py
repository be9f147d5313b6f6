"""Times of day that are awkward somewhere: all are UTC."""

from scenario import Scenario
from scenarios.months import PERIODS
from scenarios.steps import annual, monthly, trial


def local(name, source, start, *looks, first=None, days=None):
    """Instants that are awkward somewhere; here they keep their time of day in UTC."""
    looks = [(at,) for at in looks]
    by_hand = {"charge_days": days} if days else {}
    return Scenario(name, source, start, first or monthly(), *looks, by_hand=by_hand)


SCENARIOS = [
    Scenario(
        "D18 Juneau: a trial and 19 renewals, none skipped, none doubled",
        "trust D18: Kill Bill; 2015 as 2027",
        "2027-09-01T08:01:01Z",
        trial(),
        *(
            step
            for year, month in [(2027, m) for m in (10, 11, 12)]
            + [(2028, m) for m in range(1, 13)]
            + [(2029, m) for m in range(1, 6)]
            for step in ((f"{year}-{month:02}-01T08:01:00Z",), (f"{year}-{month:02}-01T08:01:01Z",))
        ),
        only=PERIODS,
        by_hand={"charge_amounts": [290] * 20},
    ),
    Scenario(
        "D19 Los Angeles: made in summer time, cancelled for 1 December",
        "trust D19: Kill Bill",
        "2027-11-01T07:00:00Z",
        monthly(),
        ("2027-11-20T00:00:00Z", "cancel"),
        ("2027-12-01T06:59:59Z",),
        ("2027-12-01T07:00:00Z",),
        ("2027-12-01T08:00:00Z",),
        by_hand={"charge_amounts": [290], "ended_at": "2027-12-01T07:00:00Z"},
    ),
    Scenario(
        "D20 Los Angeles: made in winter time, cancelled for 1 April",
        "trust D20: Kill Bill",
        "2028-03-01T08:00:00Z",
        monthly(),
        ("2028-03-20T00:00:00Z", "cancel"),
        ("2028-04-01T07:00:00Z",),
        ("2028-04-01T07:59:59Z",),
        ("2028-04-01T08:00:00Z",),
        by_hand={"charge_amounts": [290], "ended_at": "2028-04-01T08:00:00Z"},
    ),
    Scenario(
        "D21 25 renewals from a local time that does not exist",
        "trust D21: Kill Bill; 8 March 2015 as 14 March 2027",
        "2027-03-14T10:00:00Z",
        monthly(),
        ("2029-04-14T09:59:59Z",),
        ("2029-04-14T10:00:00Z",),
        by_hand={"charge_amounts": [290] * 26},
    ),
    local(
        "D22 a local time that comes twice is billed once",
        "trust D22; 1 November 2015 as 7 November 2027",
        "2027-10-07T08:30:00Z",
        "2027-11-07T08:29:59Z",
        "2027-11-07T08:30:00Z",
        "2027-11-07T09:30:00Z",
        days=["2027-10-07", "2027-11-07"],
    ),
    local(
        "D23 a trial from 1 March 23:30 in Los Angeles",
        "trust D23: Kill Bill; 2017 as 2027",
        "2027-03-02T07:30:00Z",
        "2027-04-01T06:30:00Z",
        "2027-04-01T07:29:59Z",
        "2027-04-01T07:30:00Z",
        "2027-05-01T07:30:00Z",
        first=trial(),
        days=["2027-04-01", "2027-05-01"],
    ),
    local(
        "D25 a trial from 1 November 00:30 in Los Angeles",
        "trust D25: Kill Bill; 2017 as 2027",
        "2027-11-01T07:30:00Z",
        "2027-12-01T07:29:59Z",
        "2027-12-01T07:30:00Z",
        "2028-01-01T07:30:00Z",
        first=trial(),
        days=["2027-12-01", "2028-01-01"],
    ),
    local(
        "D26 Kolkata",
        "trust D26: Lago; 2023 as 2031",
        "2031-02-01T19:00:00Z",
        "2031-03-01T18:00:00Z",
        "2031-03-01T19:00:00Z",
        "2031-03-02T18:00:00Z",
        "2031-03-02T19:00:00Z",
        days=["2031-02-01", "2031-03-01"],
    ),
    local(
        "D27 Bogota",
        "trust D27: Lago; 2023 as 2031",
        "2031-02-02T05:00:00Z",
        "2031-03-01T23:00:00Z",
        "2031-03-02T04:00:00Z",
        "2031-03-02T06:00:00Z",
        "2031-03-03T05:00:00Z",
        days=["2031-02-02", "2031-03-02"],
    ),
    local(
        "D28 Paris, a year",
        "trust D28: Lago; 2022 as 2030",
        "2030-04-02T00:10:00Z",
        "2031-04-01T21:00:00Z",
        "2031-04-02T00:09:59Z",
        "2031-04-02T12:00:00Z",
        "2031-04-03T00:10:00Z",
        first=annual(),
        days=["2030-04-02", "2031-04-02"],
    ),
    local(
        "D29 Bogota, a year",
        "trust D29: Lago; 2022 as 2030",
        "2030-02-04T19:00:00Z",
        "2031-02-04T00:00:00Z",
        "2031-02-04T05:00:00Z",
        "2031-02-04T19:00:00Z",
        "2031-02-05T05:00:00Z",
        first=annual(),
        days=["2030-02-04", "2031-02-04"],
    ),
    local(
        "D30 the end of a trial is an instant, not a date",
        "trust D30: Kill Bill; 2018 as 2030",
        "2030-11-30T23:30:00Z",
        "2030-12-30T00:00:00Z",
        "2030-12-30T23:29:59Z",
        "2030-12-30T23:30:00Z",
        "2031-01-30T23:30:00Z",
        first=trial(),
        days=["2030-12-30", "2031-01-30"],
    ),
    local(
        "D31 Tokyo: thirty days are thirty times 24 hours",
        "trust D31: Lago, as a trial of 30 days; 2024 as 2032",
        "2032-03-22T18:12:00Z",
        "2032-04-21T18:11:59Z",
        "2032-04-21T18:12:00Z",
        first=trial(),
        days=["2032-04-21"],
    ),
    local(
        "D47 the minute of the day counts",
        "trust D47: Lago, as a trial of 30 days; 2024 as 2032",
        "2032-03-05T12:12:00Z",
        "2032-04-04T12:02:00Z",
        "2032-04-04T12:11:59Z",
        "2032-04-04T13:02:00Z",
        first=trial(),
        days=["2032-04-04"],
    ),
    local(
        "over the change to summer time in Europe",
        "derived",
        "2027-02-28T01:30:00Z",
        "2027-03-28T00:30:00Z",
        "2027-03-28T01:29:59Z",
        "2027-03-28T01:30:00Z",
        "2027-04-28T01:30:00Z",
        days=["2027-02-28", "2027-03-28", "2027-04-28"],
    ),
    local(
        "over the change from summer time in Europe",
        "derived",
        "2027-09-30T01:30:00Z",
        "2027-10-30T01:30:00Z",
        "2027-10-31T00:30:00Z",
        "2027-11-30T01:30:00Z",
        days=["2027-09-30", "2027-10-30", "2027-11-30"],
    ),
    local(
        "D79 one microsecond to midnight at the end of a year",
        "trust D79, forward only, derived",
        "2027-11-30T23:59:59.999999Z",
        "2027-12-30T23:59:59.999998Z",
        "2027-12-30T23:59:59.999999Z",
        "2028-01-30T23:59:59.999999Z",
        days=["2027-11-30", "2027-12-30", "2028-01-30"],
    ),
]
