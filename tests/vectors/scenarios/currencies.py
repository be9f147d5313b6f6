"""Currencies with no, two and three decimals."""

from scenario import Scenario
from scenarios.steps import ONCE, annual, monthly, trial


def in_currency(name, year_charge, month, year, catalog):
    """A trial, a month, half of the next one, and a year."""
    return Scenario(
        f"{name}: trial, month, year",
        "derived: whole minor units, whatever they are",
        "2027-03-02T00:00:00Z",
        trial(),
        ("2027-04-01T00:00:00Z",),
        ("2027-04-16T00:00:00Z", "switch", "annual"),
        ("end",),
        catalog=catalog,
        by_hand={"charge_amounts": [month, year_charge, year]},
    )


def thirds(name, month, year, credit, catalog):
    """A month of which 20 of 30 days are left."""
    return Scenario(
        f"{name}: two thirds of a month",
        "derived: rounded half up, once",
        "2027-04-01T00:00:00Z",
        monthly(),
        ("2027-04-11T00:00:00Z", "switch", "annual"),
        catalog=catalog,
        by_hand={"charge_amounts": [month, year - credit]},
    )


SCENARIOS = [
    in_currency("JPY has no minor unit", 2000 - 150, 300, 2000, "yen"),
    in_currency("KRW has no minor unit", 39000 - 1950, 3900, 39000, "won"),
    in_currency("KWD has thousandths", 6125 - 450, 900, 6125, "kuwaiti dinar"),
    in_currency("BHD has thousandths", 7505 - 550, 1100, 7505, "bahraini dinar"),
    in_currency("EUR, half of an odd price", 1999 - 150, 299, 1999, "euro"),
    in_currency("half of one cent is one", 7 - 1, 1, 7, "one cent"),
    in_currency("large amounts", 949_999_999, 99_999_999, 999_999_999, "large"),
    thirds("JPY", 300, 2000, 200, "yen"),
    thirds("KWD", 900, 6125, 600, "kuwaiti dinar"),
    thirds("EUR", 299, 1999, 199, "euro"),
    thirds("one cent", 1, 7, 1, "one cent"),
    Scenario(
        "JPY: a payment that fails and is paid later",
        "derived",
        "2027-01-01T00:00:00Z",
        trial(ONCE),
        ("end",),
        ("failed+1d",),
        ("end",),
        catalog="yen",
        by_hand={"charge_amounts": [300, 300, 300]},
    ),
    Scenario(
        "KWD: a year over a leap day",
        "derived",
        "2028-02-29T00:00:00Z",
        annual(),
        ("end",),
        ("2032-02-29T00:00:00Z",),
        catalog="kuwaiti dinar",
        by_hand={"charge_amounts": [6125] * 5},
    ),
]
