"""What the model knows of plans, subscriptions and readers."""

from dataclasses import dataclass, field

from instants import DAY, add_months

FINAL = ("canceled", "expired")


@dataclass(frozen=True)
class Plan:
    id: str
    amount: int
    currency: str
    interval: str
    trial_days: int = 0
    trial_without_card: str = None
    retry_days: tuple = (1, 3, 5, 7)
    grace_days: int = 14

    @property
    def months(self):
        return {"month": 1, "year": 12}[self.interval]


DEFAULT_CATALOG = {
    "monthly": Plan("monthly", 290, "USD", "month", trial_days=30),
    "annual": Plan("annual", 1990, "USD", "year"),
}


@dataclass
class Subscription:
    plan: Plan
    card: str
    began: int
    status: str
    trial_end: int = None
    anchor: int = None
    index: int = 0
    cancels: bool = False
    next_plan: Plan = None
    failed_at: int = None
    # What the open charge buys: the plan, its anchor and the number of the period.
    failed_plan: Plan = None
    next_place: tuple = None
    retries: list = field(default_factory=list)
    reminders: list = field(default_factory=list)
    noticed: bool = False
    ended_at: int = None
    end_reason: str = None
    paid: int = 0

    @property
    def is_open(self):
        return self.status not in FINAL

    def period(self):
        if self.status in ("trialing", "incomplete") or self.anchor is None:
            return self.began, self.trial_end
        months = self.plan.months
        return (
            add_months(self.anchor, self.index * months),
            add_months(self.anchor, (self.index + 1) * months),
        )

    @property
    def grace_until(self):
        return self.failed_at + self.failed_plan.grace_days * DAY


@dataclass
class Reader:
    email: str
    subscription: Subscription = None
    invoices: list = field(default_factory=list)
    mails: list = field(default_factory=list)
    mails_known: bool = True
    invoices_known: bool = True
