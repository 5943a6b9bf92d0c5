"""The arithmetic of the table, and how it is printed.

A candidate's ratio in a row is the best peer's time over Thalweg's: above 1, Thalweg is ahead. A share is the least time
that the machine's limits allow over the time taken. Means are geometric.
"""
import math

from . import families

SELF = "thalweg"


def geometric_mean(values):
    values = [v for v in values if v and v > 0]
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def best_peer(results):
    """(name, seconds) of the quickest right peer, or (None, None)."""
    timed = {name: r["seconds"] for name, r in results.items() if name != SELF and r.get("seconds")}
    name = min(timed, key=timed.get) if timed else None
    return name, timed.get(name)


def evaluate(records, limits):
    """Adds limit_seconds, share, best_peer and ratio to each record; limits: threads -> figures."""
    rows = {}
    for record in records:
        family, name = record["family"], record["row"]
        row = rows.setdefault((family, name), families.find(family, name))
        measured = limits.get(record["threads"])
        least = row.limit_seconds(measured) if measured else None
        mine = record["results"].get(SELF, {}).get("seconds")
        record["limit_seconds"] = least
        for result in record["results"].values():
            result["share"] = least / result["seconds"] if least and result.get("seconds") else None
        record["best_peer"], peer = best_peer(record["results"])
        record["ratio"] = peer / mine if peer and mine else None
    return records


def summary(records):
    """{(family, threads): {"ratio", "share", "rows", "behind"}}, with the family "all" over every row."""
    groups = {}
    for record in records:
        for family in (record["family"], "all"):
            groups.setdefault((family, record["threads"]), []).append(record)
    return {key: {"ratio": geometric_mean([r["ratio"] for r in group]),
                  "share": geometric_mean([r["results"].get(SELF, {}).get("share") for r in group]),
                  "speed_up": geometric_mean([r.get("speed_up") for r in group]),
                  "rows": len(group), "behind": sum(1 for r in group if r["ratio"] and r["ratio"] < 1)}
            for key, group in groups.items()}


def speed_ups(records):
    """Adds to Thalweg's records at several threads how much quicker they are than with one."""
    single = {(r["family"], r["row"]): r["results"].get(SELF, {}).get("seconds") for r in records if r["threads"] == 1}
    for record in records:
        one, many = single.get((record["family"], record["row"])), record["results"].get(SELF, {}).get("seconds")
        record["speed_up"] = one / many if record["threads"] > 1 and one and many else None
    return records


def duration(seconds):
    unit, scale = ("s", 1.0) if seconds >= 1 else ("ms", 1e-3) if seconds >= 1e-3 else ("us", 1e-6)
    value = seconds / scale
    return f"{value:.{max(0, 2 - int(math.log10(max(value, 1.0))))}f} {unit}"


def _cell(result):
    if result is None:
        return "-"
    if result.get("seconds"):
        return duration(result["seconds"])
    return {"unsupported": "-", "wrong": "WRONG"}.get(result.get("status"), "failed")


def _number(value, form="{:.2f}"):
    return form.format(value) if value else ""


def _percent(value):
    return f"{100 * value:.0f} %" if value else ""


def render(records, limits, candidates):
    """The whole table as text; `records` are evaluated."""
    lines = []
    for threads, figures in sorted(limits.items()):
        if figures:
            lines.append(f"limits, {threads} thread{'s' if threads > 1 else ''}: {figures['flops'] / 1e9:.1f} GFLOP/s, "
                         f"copy {figures['copy'] / 1e9:.1f} GB/s, read {figures['read'] / 1e9:.1f} GB/s")
    means = summary(records)
    width = max([len(r["row"]) for r in records] + [20])
    for key in dict.fromkeys((r["family"], r["threads"]) for r in records):
        family, threads = key
        lines += ["", f"{family}, {threads} thread{'s' if threads > 1 else ''}",
                  f"  {'':{width}}" + "".join(f"{c:>14}" for c in candidates)
                  + f"{'share':>8}{'ratio':>8}{'x1':>7}  best peer (share)"]
        for r in (r for r in records if (r["family"], r["threads"]) == key):
            peer = r["best_peer"]
            named = f"{peer} {_percent(r['results'][peer]['share'])}".rstrip() if peer else ""
            lines.append(f"  {r['row']:{width}}" + "".join(f"{_cell(r['results'].get(c)):>14}" for c in candidates)
                         + f"{_percent(r['results'].get(SELF, {}).get('share')):>8}{_number(r['ratio']):>8}"
                         + f"{_number(r.get('speed_up')):>7}  {named}")
        mean = means[key]
        lines.append(f"  {'geometric mean':{width}}" + " " * 14 * len(candidates)
                     + f"{_percent(mean['share']):>8}{_number(mean['ratio']):>8}{_number(mean['speed_up']):>7}")
    overall = [(threads, mean) for (family, threads), mean in means.items() if family == "all"]
    if overall:
        lines.append("")
    for threads, mean in overall:
        lines.append(f"all rows, {threads} thread{'s' if threads > 1 else ''}: ratio {_number(mean['ratio']) or '-'} to the best "
                     f"peer in the geometric mean, behind it in {mean['behind']} of {mean['rows']} rows")
    return "\n".join(lines) + "\n"


def render_failures(records):
    """A line for each candidate and reason for which it gave no figure, other than that it lacks the operation."""
    reasons = {}
    for r in records:
        for name, result in r["results"].items():
            if result.get("status") in ("error", "wrong"):
                last = (result.get("why") or "").strip().splitlines() or [""]
                reasons.setdefault((result["status"], name, last[-1]), []).append(f"{r['family']}/{r['row']}")
    return "\n".join(f"{status}: {name}, {rows[0]}" + (f" and {len(rows) - 1} more" if len(rows) > 1 else "") + f": {why}"
                     for (status, name, why), rows in reasons.items())
