"""The arithmetic of docs/scale.md: its tables, and its pictures.

    python3 docs/scale/plots.py           writes docs/scale/*.svg and prints the tables as they stand in docs/scale.md
    python3 docs/scale/plots.py --check   fails if either would change

Everything is a formula over the assumptions below; nothing but the standard library is needed.
"""

import math
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
MONTH = 30.4 * 86_400  # seconds

# Prices in US dollars, us-east-1, on demand; check the region's list.
WRITE, READ = 0.625e-6, 0.125e-6  # a unit of DynamoDB
STORED, RECOVERABLE = 0.25, 0.20  # a gigabyte and month of DynamoDB, and of its point-in-time recovery
TOKEN = 2.25e-3  # a token of Cognito for machines, in the first tier: an upper bound

# An installation.
PROCESSES = 10  # that follow the log: two each of clients, resource-servers, audit, tokens, introspection
POLLS = 10  # a second and process, each a strongly consistent read of the log's head: one unit
SWEEPS = 2 * 4  # units a second: two replicas of clients ask four times for what is due
TOKEN_REPLICAS = 2  # each keeps tokens by itself

# A client, and what it does in a month.
CHANGES = 2  # a grant, a secret, a setting
UNITS_OF_CHANGE = 30  # write units, see docs/scale.md
LIFETIME = 3600  # of its tokens, in seconds
RENEWED_AT = 0.75  # of a lifetime: the broker buys a new token then
KEPT = 6_000  # bytes of records and of copies in indexes
KEPT_OF_CHANGE = 2_500  # bytes of an event and of its copies; for ever
USE_NOTED = 4  # write units, at most once a minute and replica


def bought(lifetime=LIFETIME, replicas=TOKEN_REPLICAS):
    """Tokens that Cognito bills in a month for a client that always needs one."""
    return replicas * MONTH / (RENEWED_AT * lifetime)


def table_cost(clients):
    """Dollars a month by what causes them, after a year."""
    changes = clients * CHANGES
    asked = clients * bought(replicas=1)
    gigabytes = clients * (KEPT + 12 * CHANGES * KEPT_OF_CHANGE) / 1e9
    return {
        "following the log": MONTH * (PROCESSES * POLLS + SWEEPS) * READ,
        "changes": changes * UNITS_OF_CHANGE * WRITE,
        "tokens asked for": asked * (READ + USE_NOTED * WRITE),
        "storage, recovery": gigabytes * (STORED + RECOVERABLE),
    }


def tables():
    sizes = (100, 1_000, 10_000)
    lines = ["| dollars a month | " + " | ".join(f"{n:,} clients" for n in sizes) + " |", "| --- |" + " ---: |" * 3]
    costs = [table_cost(n) for n in sizes]
    for cause in costs[0]:
        lines.append(f"| {cause} | " + " | ".join(f"{cost[cause]:,.2f}" for cost in costs) + " |")
    lines.append("| **DynamoDB together** | " + " | ".join(f"**{sum(c.values()):,.2f}**" for c in costs) + " |")
    lines += ["", "| token lifetime | bought a month and client | dollars a month and client | 1,000 clients | 10,000 clients |"]
    lines.append("| --- |" + " ---: |" * 4)
    for seconds, words in ((300, "5 minutes"), (3600, "1 hour"), (6 * 3600, "6 hours"), (86_400, "24 hours")):
        tokens = bought(seconds)
        lines.append(
            f"| {words} | {tokens:,.0f} | {tokens * TOKEN:,.2f} | {1_000 * tokens * TOKEN:,.0f} | {10_000 * tokens * TOKEN:,.0f} |"
        )
    return "\n".join(lines)


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 380, 70, 240, 60, 46
COLOURS = ("#1c7ed6", "#e8590c", "#2b8a3e", "#862e9c")


def log_plot(title, x_title, y_title, x_range, y_range, lines, marks=()):
    """Lines over two logarithmic axes, each with its name at its end; marks are named values of y."""

    def x(value):
        share = (math.log10(value) - math.log10(x_range[0])) / (math.log10(x_range[1]) - math.log10(x_range[0]))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value):
        share = (math.log10(value) - math.log10(y_range[0])) / (math.log10(y_range[1]) - math.log10(y_range[0]))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def text(at_x, at_y, words, anchor="start", more=""):
        return f'<text x="{at_x:.0f}" y="{at_y:.0f}" text-anchor="{anchor}"{more}>{words}</text>'

    # A white ground: the page around it may be dark.
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#212529">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 20, title, more=' font-size="15" font-weight="600"'),
    ]
    for power in range(math.ceil(math.log10(x_range[0])), math.floor(math.log10(x_range[1])) + 1):
        at = x(10**power)
        out.append(f'<path d="M{at:.0f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e9ecef"/>')
        out.append(text(at, HEIGHT - BOTTOM + 16, short(10**power), "middle"))
    for power in range(math.ceil(math.log10(y_range[0])), math.floor(math.log10(y_range[1])) + 1):
        at = y(10**power)
        out.append(f'<path d="M{LEFT} {at:.0f}H{WIDTH - RIGHT}" stroke="#e9ecef"/>')
        out.append(text(LEFT - 8, at + 4, short(10**power), "end"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title, "middle"))
    out.append(text(LEFT, TOP - 18, y_title))
    for name, value in marks:
        out.append(f'<path d="M{LEFT} {y(value):.0f}H{WIDTH - RIGHT}" stroke="#495057" stroke-dasharray="5 4"/>')
        out.append(text(LEFT + 6, y(value) - 5, name))
    for (name, of), colour in zip(lines, COLOURS):
        steps = 40
        points = []
        for step in range(steps + 1):
            at = x_range[0] * (x_range[1] / x_range[0]) ** (step / steps)
            if y_range[0] <= of(at) <= y_range[1]:
                points.append((x(at), y(of(at))))
        path = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(text(points[-1][0] + 8, points[-1][1] + 4, name, more=f' fill="{colour}"'))
    return "\n".join([*out, "</svg>", ""])


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def pictures():
    def unbrokered(calls_a_minute):
        return lambda clients: clients * calls_a_minute * MONTH / 60 * TOKEN

    yield "tokens.svg", log_plot(
        "What tokens cost, with the broker and without",
        "clients",
        "dollars a month, upper bound",
        (10, 10_000),
        (1, 1e8),
        [
            ("no broker, a token a second", unbrokered(60)),
            ("no broker, a token a minute", unbrokered(1)),
            ("broker, tokens of 1 hour", lambda n: n * bought(3600) * TOKEN),
            ("broker, tokens of 24 hours", lambda n: n * bought(86_400) * TOKEN),
        ],
    )
    yield "rate.svg", log_plot(
        "Tokens a second that Cognito is asked for",
        "clients",
        "tokens a second",
        (10, 10_000),
        (1e-3, 1e4),
        [
            ("no broker, a token a second", lambda n: n),
            ("no broker, a token a minute", lambda n: n / 60),
            ("broker, tokens of 15 minutes", lambda n: n * bought(900) / MONTH),
            ("broker, tokens of 1 hour", lambda n: n * bought(3600) / MONTH),
        ],
        marks=[("Cognito: 150, for all", 150)],
    )


def main():
    document = HERE.parent / "scale.md"
    wanted = {HERE / name: svg for name, svg in pictures()}
    if "--check" in sys.argv:
        stale = [path.name for path, svg in wanted.items() if not path.exists() or path.read_text() != svg]
        stale += [document.name for table in tables().split("\n\n") if table not in document.read_text()]
        if stale:
            sys.exit(f"python3 docs/scale/plots.py makes these anew: {', '.join(stale)}")
        return
    for path, svg in wanted.items():
        path.write_text(svg)
    print(tables())


if __name__ == "__main__":
    main()
