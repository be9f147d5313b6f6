"""A scenario: what is done and when. The model says what comes of it."""

from facts import Plan
from instants import offset, parse, show
from model import Open, World

INSTANTS = (
    "trial_end",
    "current_period_start",
    "current_period_end",
    "grace_until",
    "ended_at",
    "effective_at",
    "period_end",
)


class Scenario:
    """One vector without its expectations.

    A step is `(when, action, …)` or `(when,)` to look only. `when` is an instant, or an offset such
    as `+1d-1s` to `start`, `now` (the step before), `end` (of the current period, or of the trial),
    `failed` (the first failure), or `grace` (its end).
    """

    def __init__(self, name, source, start, *steps, **more):
        self.name, self.source, self.start, self.steps = name, source, start, steps
        self.catalog, self.readers = more.pop("catalog", None), more.pop("readers", None)
        # Only these fields, where there would be very many; what was written by hand.
        self.only, self.by_hand = more.pop("only", None), more.pop("by_hand", {})
        assert not more, more


def run(scenario, catalogs=None):
    """The vector of a scenario, and the world at its end."""
    plans = plans_of(catalogs[scenario.catalog]) if scenario.catalog else None
    world = World(parse(scenario.start), plans, scenario.readers)
    try:
        steps = [*steps_of(scenario, world)]
    except Open as error:
        raise Open(f"{scenario.name}: {error}") from error
    check_by_hand(scenario, steps)
    vector = {"name": scenario.name, "source": scenario.source}
    vector |= {"catalog": scenario.catalog} if scenario.catalog else {}
    vector |= {"readers": scenario.readers} if scenario.readers else {}
    return vector | {"start": scenario.start, "steps": steps}, world


def steps_of(scenario, world):
    for when, *action in scenario.steps:
        who = ""
        if "@" in when:
            when, who = when.split("@")
        reader = world.readers[who]
        world.move_to(resolve(when, world, parse(scenario.start), reader))
        step = {"at": show(world.now)} | ({"as": who} if who else {})
        if action:
            do, answer = act(world, reader, *action)
            world.trace.append(" ".join([*map(str, action[:2]), refusal(answer)]))
            yield step | {"do": do} | ({"answer": answer} if answer else {})
        seen = world.see(reader)
        kept = scenario.only or seen.keys()
        expect = {key: written(key, value) for key, value in seen.items() if key in kept}
        if expect:
            yield step | {"expect": expect}


def resolve(when, world, start, reader):
    """The instant that `when` means; `Open` where there is none, or where it is past."""
    if when[0].isdigit():
        return parse(when)
    cut = min((when.index(sign) for sign in "+-" if sign in when), default=len(when))
    word, rest = when[:cut], when[cut:]
    s = reader.subscription
    known = {"start": start, "now": world.now}
    if s:
        known["end"] = s.period()[1]
    if s and s.failed_at:
        known |= {"failed": s.failed_at, "grace": s.grace_until}
    if known.get(word) is None or known[word] + offset(rest) < world.now:
        raise Open(f"when {when} is")
    return known[word] + offset(rest)


def act(world, reader, name, *arguments, **options):
    if name == "worker":
        (word,) = arguments
        world.worker(word)
        return {"worker": word}, None
    if name == "start":
        body = {"plan": arguments[0]}
        if len(arguments) > 1 and arguments[1]:
            body["payment_method"] = arguments[1]
        if len(arguments) > 2:
            body["trial"] = arguments[2]
        answer = world.start(reader, **body)
    elif name == "cancel":
        body, answer = {"at": "period_end"}, world.cancel(reader)
    elif name == "resume":
        body, answer = {}, world.resume(reader)
    elif name == "switch":
        body, answer = {"plan": arguments[0]}, world.switch(reader, arguments[0])
    else:
        body = {"payment_method": arguments[0]}
        answer = {"payment_method": world.payment_method}[name](reader, arguments[0])
    return {name: body}, {key: written(key, value) for key, value in answer.items()}


def refusal(answer):
    return str((answer or {}).get("code", (answer or {}).get("status", "")))


def written(key, value):
    if key == "charges":
        return [[show(at), amount, word] for at, amount, word in value]
    return show(value) if key in INSTANTS and value is not None else value


def plans_of(catalog):
    plans = {}
    for plan in catalog["plans"]:
        plan = dict(plan)
        price = plan.pop("price")
        plan["retry_days"] = tuple(plan.get("retry_days", (1, 3, 5, 7)))
        plans[plan["id"]] = Plan(amount=price["amount"], currency=price["currency"], **plan)
    return plans


def check_by_hand(scenario, steps):
    """What a person wrote down must be what was computed."""
    last = next(step["expect"] for step in reversed(steps) if "expect" in step)
    for key, value in scenario.by_hand.items():
        if key == "charge_days":
            found = [charge[0][:10] for charge in last["charges"]]
        elif key == "charge_amounts":
            found = [charge[1] for charge in last["charges"]]
        else:
            found = last[key]
        assert found == value, f"{scenario.name}: {key} is {found}, by hand {value}"
