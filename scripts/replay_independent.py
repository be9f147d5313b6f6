#!/usr/bin/env python3
"""Counts an access log a second time, for comparison with `pressgate meter replay`.

    scripts/replay_independent.py access.log > independent.json
    pressgate meter replay access.log --keep-bots --json > replay.json
    scripts/replay_independent.py access.log --compare replay.json

It shares nothing with the Rust code but the rules, which are those of `meter replay --help`: a
visitor is one address with one agent; a read is a GET answered with 200 or 304 whose path ends in
no asset's extension; the article is the path without query, fragment and a last `index.html`; a
window of 30 days begins with its first counted read. Bots count (`--keep-bots`), so that the two
need not agree on who is one. Standard library only.
"""

import argparse
import datetime
import gzip
import json
import re
import sys

LIMITS = (1, 3, 10)
WINDOW = datetime.timedelta(days=30)
ASSETS = set(
    "atom avif bmp bz2 css csv eot gif gz ico jar jpeg jpg js json map md5 mjs mp3 mp4 ogg otf pdf"
    " png rss svg tar tgz ttf txt wasm wav webm webmanifest webp woff woff2 xml xz zip".split()
)
QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    r"\s*(?P<address>[^ ]+) .*? \[(?P<time>\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] +"
    + QUOTED.replace("(", "(?P<request>", 1)
    + r" +(?P<status>\d{3}) +(?:\d+|-)(?: +"
    + QUOTED.replace("(", "(?P<referrer>", 1)
    + " *"
    + QUOTED.replace("(", "(?P<agent>", 1)
    + r".*)?\s*",
    re.DOTALL,
)
REQUEST = re.compile(r"(?P<method>[A-Za-z]+) (?P<target>.+?)(?: HTTP/[^ ]*)?", re.DOTALL)
ORIGIN = re.compile(r"https?://[^/]*")


def article(request, status):
    """The path that counts as an article, or None for what is no page view."""
    words = REQUEST.fullmatch(request)
    if not words or words["method"] != "GET" or status not in ("200", "304"):
        return None
    path = re.split("[?#]", words["target"], maxsplit=1)[0]
    if not path.startswith("/"):
        origin = ORIGIN.match(path)
        path = path[origin.end() :] if origin else ""
    if not path.startswith("/"):
        return None
    if path.endswith("/index.html"):
        path = path[: -len("index.html")]
    name = path.rsplit("/", 1)[-1]
    if "." in name and name.rsplit(".", 1)[1].lower() in ASSETS:
        return None
    return path


def reads(log, counts):
    """Every read as (visitor, article, time); `counts` gets what the other lines were."""
    for raw in log:
        counts["total"] += 1
        line = LINE.fullmatch(raw.decode("utf-8", "replace").rstrip("\n"))
        try:
            at = line and datetime.datetime.strptime(line["time"], "%d/%b/%Y:%H:%M:%S %z")
        except ValueError:
            at = None
        if not at:
            counts["bad"] += 1
            continue
        path = article(line["request"], line["status"])
        if path is None:
            counts["not_page_views"] += 1
            continue
        counts["reads"] += 1
        yield (line["address"], line["agent"] or ""), path, at


def count(log):
    """What each limit would have meant, with a start and a set for each visitor and limit."""
    counts = dict.fromkeys(("total", "bad", "not_page_views", "reads"), 0)
    visitors = set()
    open_windows = {limit: {} for limit in LIMITS}
    walled = {limit: set() for limit in LIMITS}
    nothing = {"reads_counted": 0, "reads_repeated": 0, "reads_denied": 0}
    tallies = {limit: dict(nothing) for limit in LIMITS}
    for visitor, path, at in reads(log, counts):
        visitors.add(visitor)
        for limit in LIMITS:
            start, seen = open_windows[limit].get(visitor, (None, None))
            if start is None or at >= start + WINDOW:
                seen = set()
                open_windows[limit][visitor] = (at, seen)
            if path in seen:
                tallies[limit]["reads_repeated"] += 1
            elif len(seen) < limit:
                seen.add(path)
                tallies[limit]["reads_counted"] += 1
            else:
                tallies[limit]["reads_denied"] += 1
                walled[limit].add(visitor)
    return {
        "lines": counts,
        "visitors": len(visitors),
        "limits": {
            str(limit): {"visitors_walled": len(walled[limit]), **tally}
            for limit, tally in tallies.items()
        },
    }


def differences(own, replay):
    """Where the replay's JSON says something else than this count."""
    rows = {str(row["limit"]): row for row in replay["limits"]}
    pairs = [("visitors", own["visitors"], replay["visitors"])]
    pairs += [(f"lines.{key}", value, replay["lines"][key]) for key, value in own["lines"].items()]
    for limit, row in own["limits"].items():
        found = rows.get(limit, {})
        pairs += [(f"limit {limit} {key}", value, found.get(key)) for key, value in row.items()]
    different = [pair for pair in pairs if pair[1] != pair[2]]
    return [f"{what}: {mine} here, {theirs} there" for what, mine, theirs in different]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", help="the access log, plain or gzip")
    parser.add_argument("--compare", metavar="JSON", help="of `meter replay --keep-bots --json`")
    args = parser.parse_args()
    with open(args.log, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if packed else open)(args.log, "rb") as log:
        own = count(log)
    if not args.compare:
        json.dump(own, sys.stdout, indent=2)
        print()
        return 0
    with open(args.compare, encoding="utf-8") as file:
        found = differences(own, json.load(file))
    for line in found:
        print(line, file=sys.stderr)
    checked = own["lines"]["reads"]
    print(f"{checked} reads, limits {', '.join(own['limits'])}: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
