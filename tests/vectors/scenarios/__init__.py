"""The scenarios of every file but `search.json`: what is done and when, not what comes of it.

Each file has a module of its name here.

Years of other engines' tests are moved to later ones of the same kind (2023 to 2031, 2024 to 2032,
2012 and 2016 to 2028 or 2032), so that leap days stay where they are.
"""

from scenarios import (
    cancelling,
    catalogs,
    currencies,
    downtime,
    failing,
    months,
    notices,
    switching,
    times,
    trials,
)

# Each with its catalogs.
FILES = [
    (months, {}),
    (trials, catalogs.ANNUAL_TRIAL | catalogs.NO_CARD),
    (cancelling, {}),
    (switching, catalogs.UPGRADES),
    (failing, catalogs.PATIENCE),
    (downtime, {}),
    (currencies, catalogs.CURRENCIES),
    (times, {}),
    (notices, {}),
]
