"""A small model of the rules, written from the rules and not from the service.

It knows one publisher, some readers, at most one subscription each, and cards that behave as the
sandbox's do. What the rules leave open raises `Open`, so that no vector can ask for it.
"""

import re

from facts import DEFAULT_CATALOG, Reader, Subscription
from instants import DAY, HOUR, day_of_month

CONFIRMATION = 23 * HOUR
# What is announced goes out not sooner and not later than so long before.
TRIAL_NOTICE = (8 * DAY, 7 * DAY)
RENEWAL_NOTICE = (45 * DAY, 15 * DAY)
REMINDERS = (5 * DAY, 10 * DAY)


class Open(Exception):
    """The rules do not say what happens here."""


def person(email):
    """Whose address it is: one person has one, however it is written."""
    name, domain = email.lower().split("@")
    name = name.split("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def round_half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


class World:
    """Everything, at one instant that only moves forward."""

    def __init__(self, start, catalog=None, readers=None):
        self.now = start
        self.catalog = catalog or DEFAULT_CATALOG
        emails = {"": "anna@example.org"} | (readers or {})
        self.readers = {name: Reader(email) for name, email in emails.items()}
        self.trials = set()
        self.charges = []
        self.cards = {}
        self.works = True
        self.trace = []

    # Time

    def move_to(self, instant):
        assert instant >= self.now, "time only moves forward"
        while self.works and (due := self._next_due(instant)):
            at, _, reader, work = due
            self.now = max(self.now, at)
            self._log(work.__name__)
            work(reader, at)
        self.now = instant

    def worker(self, word):
        late = self._next_due(self.now)
        self.works = word == "on"
        if late:
            self._log("caught up")
        self.move_to(self.now)

    def is_behind(self, reader):
        due = self._next_due(self.now)
        return due is not None and due[2] is reader

    def _next_due(self, until):
        due = []
        for order, reader in enumerate(self.readers.values()):
            if reader.subscription and reader.subscription.is_open:
                works = self._due(reader.subscription)
                due += [(at, order, reader, work) for at, work in works if at <= until]
        return min(due, key=lambda one: one[:2], default=None)

    def _due(self, s):
        """What is due and when; of two at one instant the first is done first."""
        window = self._notice_window(s)
        if window:
            yield window[1], self._announced
        if s.status == "trialing":
            yield s.trial_end, self._trial_ends
        elif s.status == "active":
            yield s.period()[1], self._period_ends
        elif s.status == "past_due":
            if s.retries:
                yield s.retries[0], self._retry
            if s.reminders:
                yield s.reminders[0], self._reminder
            yield s.grace_until, self._grace_ends
        elif s.status == "incomplete":
            yield s.began + CONFIRMATION, self._not_confirmed

    # Work that falls due

    @staticmethod
    def _notice_window(s):
        """Between which instants the next notice goes out, if one will."""
        if s.cancels or s.noticed or s.status not in ("trialing", "active"):
            return None
        if s.status == "active" and s.plan.interval != "year":
            return None
        early, late = TRIAL_NOTICE if s.status == "trialing" else RENEWAL_NOTICE
        end = s.period()[1]
        return end - early, end - late

    def _in_window(self, s):
        """Whether a notice may have gone out or not."""
        window = self._notice_window(s)
        return window is not None and window[0] <= self.now

    def _announced(self, reader, due):
        s = reader.subscription
        s.noticed = True
        if due < self.now or s.next_plan or s.card is None:
            reader.mails_known = False
        self._mail(reader, "trial_ending" if s.status == "trialing" else "renewal_ahead")

    def _mail(self, reader, kind):
        reader.mails.append((self.now, kind))

    def _trial_ends(self, reader, due):
        s = reader.subscription
        if s.cancels:
            return self._end(s, due, "canceled_by_reader")
        if s.card is None:
            if s.plan.trial_without_card == "pause":
                s.status, s.anchor = "paused", None
                return None
            return self._end(s, due, "trial_ended")
        return self._renew(reader, due, s.plan, (due, 0))

    def _period_ends(self, reader, due):
        s = reader.subscription
        if s.cancels:
            return self._end(s, due, "canceled_by_reader")
        if s.next_plan:
            if day_of_month(due) != day_of_month(s.anchor):
                raise Open("whether a new plan's months are counted from the old anchor")
            return self._renew(reader, due, s.next_plan, (due, 0))
        return self._renew(reader, due, s.plan, (s.anchor, s.index + 1))

    def _renew(self, reader, due, plan, place):
        s = reader.subscription
        outcome = self._charge(s.card, plan.amount)
        s.failed_plan, s.next_place = plan, place
        invoice = {"period_start": due, "status": "open", "total": plan.amount}
        reader.invoices.append(invoice)
        if outcome == "succeeded":
            return self._paid(reader)
        if outcome == "authentication":
            raise Open("a renewal that the bank wants confirmed")
        if due < self.now:
            raise Open("from when a failure is counted that comes late")
        s.status, s.failed_at = "past_due", self.now
        s.retries = [self.now + days * DAY for days in plan.retry_days]
        s.reminders = [self.now + after for after in REMINDERS]
        self._mail(reader, "payment_failed")
        if outcome == "hard":
            s.retries = []
        return None

    def _paid(self, reader):
        s = reader.subscription
        s.status, s.plan, s.paid = "active", s.failed_plan, s.failed_plan.amount
        s.anchor, s.index = s.next_place
        self._log_period(s)
        self._mail(reader, "receipt")
        s.next_plan, s.noticed = None, False
        s.retries, s.reminders = [], []
        reader.invoices[-1]["status"] = "paid"

    def _retry(self, reader, due):
        s = reader.subscription
        s.retries.pop(0)
        missed_more = bool(s.retries) and s.retries[0] <= self.now
        if missed_more and self._kind(s.card) == "declined":
            raise Open("whether two retries that were missed are made up for by one")
        if due < self.now and s.grace_until <= self.now:
            raise Open("whether a retry is made after the grace is over")
        outcome = self._charge(s.card, s.failed_plan.amount)
        if outcome == "succeeded":
            if s.reminders and s.reminders[0] <= self.now:
                reader.mails_known = False
            self._paid(reader)
        elif outcome == "hard":
            s.retries = []

    def _reminder(self, reader, due):
        reader.subscription.reminders.pop(0)
        if due < self.now:
            reader.mails_known = False
        self._mail(reader, "payment_failed")

    def _grace_ends(self, reader, due):
        self._void(reader)
        self._end(reader.subscription, due, "payment_failed")

    def _not_confirmed(self, reader, due):
        s = reader.subscription
        s.status, s.ended_at, s.end_reason = "expired", due, "not_confirmed"

    def _end(self, s, at, reason):
        s.status, s.ended_at, s.end_reason = "canceled", at, reason

    def _void(self, reader):
        for invoice in reader.invoices:
            if invoice["status"] == "open":
                invoice["status"] = "void"

    # The gateway

    @staticmethod
    def _kind(card):
        return re.fullmatch(r"pm_sandbox_([a-z_]+)(:.*)?", card)[1]

    def _charge(self, card, amount):
        kind, before = self._kind(card), self.cards.get(card, 0)
        self.cards[card] = before + 1
        outcome = {
            "ok": "succeeded",
            "declined": "soft",
            "declined_once": "soft" if before == 0 else "succeeded",
            "lost": "hard",
            "authentication": "authentication",
        }[kind]
        self._log(f"{kind} {outcome}")
        if outcome != "authentication":
            word = "succeeded" if outcome == "succeeded" else "declined"
            self.charges.append([self.now, amount, word])
        return outcome

    # What readers do: each gives the answer's status and code, as far as the rules name them

    def start(self, reader, plan, payment_method=None, trial=True):
        plan = self.catalog[plan]
        old = reader.subscription
        if old and old.is_open and old.status != "incomplete":
            return {"status": 409, "code": "already_subscribed"}
        if plan.trial_days and trial:
            marks = {("person", person(reader.email)), ("card", payment_method)}
            marks.discard(("card", None))
            if marks & self.trials:
                return {"status": 409, "code": "trial_already_used"}
            if payment_method is None and plan.trial_without_card is None:
                raise Open("how a missing payment method is refused")
            self.trials |= marks
            end = self.now + plan.trial_days * DAY
            if end - self.now <= TRIAL_NOTICE[0]:
                reader.mails_known = False
            reader.subscription = Subscription(
                plan, payment_method, self.now, "trialing", trial_end=end
            )
            self._mail(reader, "receipt")
            return {"status": 201}
        outcome = self._charge(payment_method, plan.amount)
        if outcome in ("soft", "hard"):
            if old and old.is_open:
                raise Open("whether a declined start replaces one that waits to be confirmed")
            reader.invoices_known = False
            return {"status": 402, "code": "payment_declined"}
        s = Subscription(plan, payment_method, self.now, "active", anchor=self.now)
        s.paid, reader.subscription = plan.amount, s
        if outcome == "authentication":
            s.status, reader.invoices_known = "incomplete", False
        else:
            invoice = {"period_start": self.now, "status": "paid", "total": plan.amount}
            reader.invoices.append(invoice)
            self._mail(reader, "receipt")
        return {"status": 201}

    def cancel(self, reader, at="period_end"):
        s = self._up_to_date(reader)
        if not s.is_open:
            return {"status": 409, "code": "invalid_transition"}
        if s.cancels:
            return {}
        if self._in_window(s):
            reader.mails_known = False
        if s.status in ("incomplete", "paused"):
            raise Open(f"how a reader cancels what is {s.status}")
        self._mail(reader, "cancellation")
        if s.status == "past_due":
            self._void(reader)
            self._end(s, self.now, "canceled_by_reader")
        else:
            s.cancels = True
        return {"status": 200}

    def resume(self, reader):
        s = self._up_to_date(reader)
        if not s.is_open or not s.cancels:
            return {"status": 409, "code": "invalid_transition"}
        s.cancels = False
        window = self._notice_window(s)
        if window and window[1] <= self.now:
            # Whether a notice that was left out is made up for is not said.
            reader.mails_known, s.noticed = False, True
        return {"status": 200}

    def switch(self, reader, plan):
        s, plan = self._up_to_date(reader), self.catalog[plan]
        refused = not s.is_open or s.status in ("past_due", "incomplete", "paused") or s.cancels
        if plan is s.plan:
            return {"status": 409} if refused else {"status": 409, "code": "same_plan"}
        if refused:
            return {"status": 409, "code": "invalid_transition"}
        if s.next_plan:
            raise Open("how one change that waits is replaced by another")
        if s.status == "trialing":
            s.plan = plan
            if s.noticed or self._in_window(s):
                reader.mails_known = False
            return {"status": 200, "charge": 0, "credit": 0}
        if plan.months < s.plan.months or (
            plan.months == s.plan.months and plan.amount < s.plan.amount
        ):
            s.next_plan = plan
            return {"status": 200, "credit": 0, "effective_at": s.period()[1]}
        return self._switch_now(reader, plan)

    def _switch_now(self, reader, plan):
        s = reader.subscription
        start, end = s.period()
        credit = round_half_up(s.paid * (end - self.now), end - start)
        if credit >= plan.amount:
            raise Open("what is left of a credit that is more than the price")
        charge = plan.amount - credit
        outcome = self._charge(s.card, charge)
        if outcome == "authentication":
            raise Open("a switch that the bank wants confirmed")
        if outcome != "succeeded":
            reader.invoices_known = False
            return {"status": 402, "code": "payment_declined", "charge": charge, "credit": credit}
        s.plan, s.paid, s.anchor, s.index = plan, plan.amount, self.now, 0
        s.noticed = False
        reader.invoices.append({"period_start": self.now, "status": "paid", "total": charge})
        self._mail(reader, "receipt")
        return {
            "status": 200,
            "charge": charge,
            "credit": credit,
            "effective_at": self.now,
            "period_end": s.period()[1],
        }

    def payment_method(self, reader, payment_method):
        s = self._up_to_date(reader)
        if not s.is_open:
            return {"status": 409, "code": "invalid_transition"}
        if s.status == "incomplete" or s.cancels and s.status == "past_due":
            raise Open("another card for what is incomplete")
        s.card = payment_method
        if s.status == "paused":
            if self._charge(s.card, s.plan.amount) != "succeeded":
                raise Open("a first payment after a trial without a card that is declined")
            s.status, s.anchor, s.paid = "active", self.now, s.plan.amount
            total = s.plan.amount
            reader.invoices.append({"period_start": self.now, "status": "paid", "total": total})
            self._mail(reader, "receipt")
            return {"status": 200}
        if s.status != "past_due":
            return {"status": 200}
        outcome = self._charge(s.card, s.failed_plan.amount)
        if outcome == "succeeded":
            self._paid(reader)
            return {"status": 200}
        if outcome == "authentication":
            raise Open("a renewal that the bank wants confirmed")
        # Whether the reader is told once more, and in which words the call answers, is not said.
        reader.mails_known = False
        days = s.failed_plan.retry_days
        later = [s.failed_at + d * DAY for d in days if s.failed_at + d * DAY > self.now]
        s.retries = later if outcome == "soft" else []
        return {}

    def _up_to_date(self, reader):
        if reader.subscription is None:
            raise Open("what is done to a subscription that is not there")
        if self.is_behind(reader):
            raise Open("what a reader does before the work that is due is done")
        return reader.subscription

    # What can be seen

    def see(self, reader):
        """Every field that the rules decide at this instant."""
        seen = {"charges": [list(charge) for charge in self.charges]}
        window = reader.subscription and self._in_window(reader.subscription)
        if reader.mails_known and not window:
            seen["mails"] = [kind for _, kind in sorted(reader.mails)]
        if reader.invoices_known:
            ordered = sorted(reader.invoices, key=lambda one: one["period_start"])
            seen["invoices"] = [[one["status"], one["total"]] for one in ordered]
        s = reader.subscription
        if s is None or self._waits_for_work(reader, seen):
            return seen
        access = {"trialing": "trial", "active": "subscriber", "past_due": "grace_period"}
        seen |= {
            "status": s.status,
            "plan": s.plan.id,
            "trial_end": s.trial_end,
            "ended_at": s.ended_at,
            "access": access.get(s.status),
        }
        if s.end_reason == "trial_ended":
            # `canceled` and `expired` would both do.
            del seen["status"]
        if s.end_reason:
            seen["end_reason"] = s.end_reason
        if s.status in ("trialing", "active", "past_due", "paused"):
            seen["cancel_at_period_end"] = s.cancels
            seen["grace_until"] = s.grace_until if s.status == "past_due" else None
        if s.status == "past_due" and s.failed_plan is not s.plan:
            # The new plan is not paid and the old one is over.
            del seen["plan"]
        if s.status in ("trialing", "active"):
            seen["current_period_start"], seen["current_period_end"] = s.period()
        return seen

    def _waits_for_work(self, reader, seen):
        """While nobody works, only an end that was agreed before is sure: it needs no work."""
        s = reader.subscription
        if not s.is_open or not self.is_behind(reader):
            return False
        end = s.period()[1] if s.status != "past_due" else s.grace_until
        seen.pop("mails", None)
        if self.now >= end and (s.cancels or s.status == "past_due"):
            seen["access"] = None
        elif self.now < end:
            access = {"trialing": "trial", "active": "subscriber", "past_due": "grace_period"}
            seen["access"] = access.get(s.status)
        return True

    # What happened, for the random search

    def _log(self, feature):
        self.trace.append(feature)

    def _log_period(self, s):
        start, end = s.period()
        days = day_of_month(s.anchor), day_of_month(start), day_of_month(end)
        clamped = "" if days[0] == days[1] == days[2] else " clamped"
        leaps = " leap" if (end - start) // DAY in (29, 366) else ""
        self._log(f"{s.plan.interval}{clamped}{leaps}")
