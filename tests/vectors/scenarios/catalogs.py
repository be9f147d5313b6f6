"""The catalogs of the scenarios. Where a vector names none, the first publisher's is meant:
`monthly`, 30 days free and then 290 USD a month, and `annual`, 1990 USD a year, no trial; a failed
payment is tried again after 1, 3, 5 and 7 days, and access ends after 14."""


def plan(name, amount, currency, interval, **more):
    return {
        "id": name,
        "price": {"amount": amount, "currency": currency},
        "interval": interval,
        "trial_days": 0,
    } | more


def two(month, year, currency):
    """The first publisher's plans at other prices."""
    return {
        "plans": [
            plan("monthly", month, currency, "month", trial_days=30),
            plan("annual", year, currency, "year"),
        ]
    }


ANNUAL_TRIAL = {
    "annual trial": {
        "plans": [
            plan("monthly", 290, "USD", "month", trial_days=30),
            plan("annual", 1990, "USD", "year", trial_days=30),
        ]
    }
}

NO_CARD = {
    "no card": {
        "plans": [
            plan("cancels", 290, "USD", "month", trial_days=30, trial_without_card="cancel"),
            plan("pauses", 290, "USD", "month", trial_days=30, trial_without_card="pause"),
        ]
    }
}

UPGRADES = {
    "kill bill": {
        "plans": [
            plan("monthly", 24995, "USD", "month", trial_days=30),
            plan("annual", 239995, "USD", "year"),
        ]
    },
    "leap": {
        "plans": [
            plan("standard", 599995, "USD", "year"),
            plan("premium", 999995, "USD", "year"),
        ]
    },
    "half": {
        "plans": [
            plan("monthly", 1000, "USD", "month"),
            plan("annual", 2000, "USD", "year"),
        ]
    },
}

PATIENCE = {
    "impatient": {
        "plans": [
            plan("monthly", 290, "USD", "month", trial_days=30, retry_days=[2], grace_days=3),
            plan("annual", 1990, "USD", "year", retry_days=[2], grace_days=3),
        ]
    },
    "no retries": {
        "plans": [
            plan("monthly", 290, "USD", "month", trial_days=30, retry_days=[], grace_days=7),
        ]
    },
    "long": {
        "plans": [
            plan("monthly", 290, "USD", "month", retry_days=[1, 8, 16], grace_days=21),
        ]
    },
}

CURRENCIES = {
    "yen": two(300, 2000, "JPY"),
    "won": two(3900, 39000, "KRW"),
    "kuwaiti dinar": two(900, 6125, "KWD"),
    "bahraini dinar": two(1100, 7505, "BHD"),
    "euro": two(299, 1999, "EUR"),
    "one cent": two(1, 7, "EUR"),
    "large": two(99_999_999, 999_999_999, "JPY"),
}
