"""The first steps and the cards that scenarios share."""

OK, DECLINED, LOST = "pm_sandbox_ok", "pm_sandbox_declined", "pm_sandbox_lost"
ONCE, BANK = "pm_sandbox_declined_once", "pm_sandbox_authentication"


def monthly(payment_method=OK):
    """A month paid at once: the anchor is the start."""
    return ("start", "start", "monthly", payment_method, False)


def trial(payment_method=OK):
    return ("start", "start", "monthly", payment_method)


def annual(payment_method=OK):
    return ("start", "start", "annual", payment_method)
