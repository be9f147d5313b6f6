#!/usr/bin/env python3
"""Fills in what the vectors expect.

    python3 oracle.py           writes the JSON files
    python3 oracle.py --check   says whether they are what it computes

Only Python's standard library is needed.
"""

import json
import sys
from pathlib import Path

import scenarios
import search
import tables
from scenario import run

HERE = Path(__file__).resolve().parent


def text_of(document):
    """JSON with one step to a line, so that a difference can be read."""
    dense = lambda value: json.dumps(value, ensure_ascii=False)
    lines = ["{", f' "format": {document["format"]},', f' "about": {dense(document["about"])},']
    if document.get("catalogs"):
        lines.append(' "catalogs": {')
        named = list(document["catalogs"].items())
        for number, (name, catalog) in enumerate(named):
            lines.append(f"  {dense(name)}: {{\"plans\": [")
            lines += joined([f"   {dense(plan)}" for plan in catalog["plans"]])
            lines.append("  ]}" + ("," if number + 1 < len(named) else ""))
        lines.append(" },")
    lines.append(' "vectors": [')
    for number, vector in enumerate(document["vectors"]):
        head = {key: value for key, value in vector.items() if key != "steps"}
        lines.append("  " + dense(head)[:-1] + ', "steps": [')
        lines += joined([f"   {dense(step)}" for step in vector["steps"]])
        lines.append("  ]}" + ("," if number + 1 < len(document["vectors"]) else ""))
    return "\n".join([*lines, " ]", "}", ""])


def joined(lines):
    return [line + "," for line in lines[:-1]] + lines[-1:]


def with_scenarios():
    return [(module, catalogs, module.SCENARIOS) for module, catalogs in scenarios.FILES]


def documents():
    """Every file: its name and its text."""
    for module, catalogs, listed in [*with_scenarios(), (search, {}, search.found())]:
        name = module.__name__.split(".")[-1]
        about = module.__doc__.splitlines()[0]
        vectors = [run(scenario, catalogs)[0] for scenario in listed]
        document = {"format": 1, "about": about, "catalogs": catalogs, "vectors": vectors}
        text = text_of(document)
        assert json.loads(text)["vectors"] == vectors
        yield f"{name}.json", text


def main():
    tables.check()
    checks = sys.argv[1:] == ["--check"]
    expected = dict(documents())
    found = {path.name for path in HERE.glob("*.json")}
    wrong = sorted(found - expected.keys())
    for name, text in expected.items():
        path = HERE / name
        if checks and (not path.exists() or path.read_text() != text):
            wrong.append(name)
        elif not checks:
            path.write_text(text)
    if wrong:
        sys.exit(f"not what the oracle computes: {', '.join(wrong)}")
    count = sum(len(json.loads(text)["vectors"]) for text in expected.values())
    print(f"{count} vectors in {len(expected)} files")


if __name__ == "__main__":
    main()
