"""Found by random search, and made as small as they could be.

Each seed gives one scenario. What happens in it, work and refusals included, is a list of words; a
scenario is kept for a row of three that is new, once every step that this row does not need was
taken away. All of it is the same on every machine: the generator is our own.
"""

from collections import Counter

from instants import DAY, days, show
from model import Open
from scenario import Scenario, run
from scenarios.steps import BANK, DECLINED, LOST, OK, ONCE

SEEDS = 200
ROW = 3


class Random:
    """Splitmix64."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def below(self, count):
        return self.next() % count

    def pick(self, values):
        return values[self.below(len(values))]


def found():
    kept, seen = [], set()
    for seed in range(1, SEEDS + 1):
        scenario = generate(seed)
        new = [row for row in rows_of(scenario) if row not in seen]
        if new:
            small = finish(shrink(scenario, new[-1]))
            seen |= set(rows_of(small))
            kept.append(small)
    return without_the_needless(kept)


def without_the_needless(kept):
    """The early ones go if later ones do all that they do."""
    times = Counter(row for scenario in kept for row in set(rows_of(scenario)))
    needed = []
    for scenario in kept:
        rows = set(rows_of(scenario))
        if all(times[row] > 1 for row in rows):
            times -= Counter(rows)
        else:
            needed.append(scenario)
    return needed


def generate(seed):
    random = Random(seed)
    day = days(2027, 1, 1) + random.below(365 * 7)
    if random.below(2):
        # Half of them from or to the end of a month.
        year, month = 2027 + random.below(6), 1 + random.below(12)
        day = days(year, month, 1) - 1 - random.below(3) - random.pick((0, 30))
    begins = day * DAY + random.below(86_400) * 1_000_000
    source = f"random search, seed {seed}"
    scenario = Scenario(f"search {seed}", source, show(begins), begin(random))
    for _ in range(3 + random.below(8)):
        longer = with_steps(scenario, (*scenario.steps, step(random)))
        # What the rules leave open, or what lies in the past, is left out.
        scenario = longer if rows_of(longer) else scenario
    return scenario


def begin(random):
    card = random.pick((OK, OK, OK, OK, DECLINED, ONCE, ONCE, LOST, BANK))
    kind = random.below(5)
    if kind < 3 and card != BANK:
        return ("start", "start", "monthly", card)
    if kind == 3:
        return ("start", "start", "monthly", card, False)
    return ("start", "start", "annual", card)


def step(random):
    when = moment(random)
    kind = random.below(20)
    if kind < 5:
        return (when,)
    if kind < 8:
        return (when, "cancel")
    if kind < 10:
        return (when, "resume")
    if kind < 14:
        return (when, "switch", random.pick(("monthly", "annual")))
    if kind < 16:
        return (when, "payment_method", random.pick((OK, OK, DECLINED, LOST, f"{ONCE}:b")))
    if kind < 18:
        return (when, "worker", random.pick(("off", "on")))
    more = random.pick(((), (False,)))
    return (when, "start", random.pick(("monthly", "annual")), OK, *more)


def moment(random):
    kind = random.below(10)
    if kind < 3:
        return random.pick(("end", "end", "end-1s", "end+1s"))
    if kind < 5:
        return random.pick(("failed+1d", "failed+3d-1s", "failed+5d", "failed+7d", "grace-1s", "grace"))
    if kind < 6:
        return f"now+{1 + random.below(3)}s"
    return f"now+{random.pick((1, 3, 8, 20, 40))}d+{random.below(86_400)}s"


def rows_of(scenario):
    """Each three things that happen in a row; none where the rules leave something open."""
    try:
        _, world = run(scenario)
    except Open:
        return []
    words = ["begin", *world.trace, "end"]
    return [tuple(words[i : i + ROW]) for i in range(len(words) - ROW + 1)]


def shrink(scenario, row):
    """Without every step that can go while `row` still happens."""
    position = len(scenario.steps) - 1
    while position > 0:
        steps = scenario.steps[:position] + scenario.steps[position + 1 :]
        smaller = with_steps(scenario, steps)
        if row in rows_of(smaller):
            scenario = smaller
        position -= 1
    return scenario


def finish(scenario):
    """And what comes of it: on to the end of the period, or of the grace."""
    for after in ("end", "grace"):
        steps = (*scenario.steps, (f"{after}-1s",), (after,))
        longer = with_steps(scenario, steps)
        if rows_of(longer):
            return longer
    return scenario


def with_steps(scenario, steps):
    return Scenario(scenario.name, scenario.source, scenario.start, *steps)
