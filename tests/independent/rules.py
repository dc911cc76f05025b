"""The rules of a bill of the tiered plan, in fractions: Agora's, and ours for the split.

Cells map (project, day, service) to the seconds of each media. Written from the
rules in words and from the price book; shares no code with the program.
"""

import collections
import itertools
import math
from fractions import Fraction

MEDIA = ["audio", "sd", "hd", "hdp", "full_hd", "2k", "2k_plus"]
SERVICES = ["rtc", "recording", "cloud_recording", "transcoding", "miniapp"]
# The FAQ of April 2021: a type of media at a time, from the cheapest on, HD+ before
# Full HD; within each, calls before recordings, and the mini app last.
FREE_ORDERS = {
    "2021-04": [
        (service, media)
        for media in ["audio", "hd", "hdp", "full_hd", "2k", "2k_plus"]
        for service in ["rtc", "recording", "cloud_recording", "miniapp"]
    ],
}
UNDERSTOOD = {"plan": "tiered", "tier_fill": "cheapest_first", "tier_edge": "half_open", "rates": "percent"}


def rate(cells, book):
    """The lines of the bill, its exact total, and its total in cents, rounded half up."""
    assert all(book[key] == value for key, value in UNDERSTOOD.items()), "other rules than these"
    seconds, minutes = month_sums(cells, book)
    used = [key for key, value in seconds.items() if value]
    prices = {key: list_price(*key, book) for key in used}
    free_order = FREE_ORDERS[book["free_order"]]

    left, free = book["free_minutes"], {}
    for key in sorted(used, key=free_order.index):
        free[key] = min(left, minutes[key])
        left -= free[key]

    lines, filled = [], 0
    for key in sorted(used, key=lambda key: (prices[key], free_order.index(key))):
        shares = tier_shares(filled, minutes[key] - free[key], book)
        filled += minutes[key] - free[key]
        for place, (tier, billable) in enumerate(shares):
            discount = Fraction(book["tiers"][tier]["discount_percent"])
            unit_price = prices[key] * (100 - discount) / 100
            free_here = free[key] if place == 0 else 0
            lines.append({
                "service": key[0],
                "media": key[1],
                "tier": tier + 1,
                "seconds": seconds[key] if place == 0 else None,
                "minutes": free_here + billable,
                "free_minutes": free_here,
                "billable_minutes": billable,
                "unit_price_per_1000": unit_price,
                "amount": unit_price * billable / 1000,
            })
    lines.sort(key=lambda line: (SERVICES.index(line["service"]), MEDIA.index(line["media"]), line["tier"]))
    exact_total = sum(line["amount"] for line in lines)
    return lines, exact_total, math.floor(exact_total * 100 + Fraction(1, 2))


def month_sums(cells, book):
    """Seconds and minutes by service and billed media: rounded up once, then SD joins HD."""
    month = collections.Counter()
    for (_, _, service), used in cells.items():
        month.update({(service, media): value for media, value in used.items()})
    seconds, minutes = collections.Counter(), collections.Counter()
    for (service, media), value in month.items():
        seconds[service, billed_as(media, book)] += value
        minutes[service, billed_as(media, book)] += -(-value // 60)
    return seconds, minutes


def billed_as(media, book):
    return book["sd_as"] if media == "sd" else media


def list_price(service, media, book):
    prices = book["prices"][service]
    return Fraction(prices.get(media) or prices[book["hdp_as"]])


def tier_shares(filled, minutes, book):
    """Tier and minutes inside it, for minutes that come on top of those that fill the tiers."""
    starts = [tier["from_minute"] for tier in book["tiers"]]
    shares = []
    for tier, (start, end) in enumerate(zip(starts, [*starts[1:], math.inf])):
        inside = min(filled + minutes, end) - max(filled, start)
        if inside > 0:
            shares.append((tier, inside))
    return shares or [(0, 0)]


def allocate(cents, lines, cells, book):
    """Cents by project, and millionths by project, day and service."""
    amounts, seconds = collections.Counter(), collections.Counter()
    for line in lines:
        amounts[line["service"], line["media"]] += line["amount"]
        seconds[line["service"], line["media"]] += line["seconds"] or 0
    # Each second of a line carries the same part of the line's exact cost.
    weights = {}
    for (project_id, day, service), used in cells.items():
        for media, value in used.items():
            if value:
                line = service, billed_as(media, book)
                at = project_id.encode(), day, SERVICES.index(service), MEDIA.index(media)
                weights[at] = value * amounts[line] / seconds[line]

    projects, millionths = {}, collections.Counter()
    for project_id, cost, of_project in dealt(cents, weights):
        projects[project_id.decode()] = cost
        for day, day_cost, of_day in dealt(cost * 10_000, of_project):
            for (service, _), part in zip(of_day, split(day_cost, list(of_day.values()))):
                millionths[project_id.decode(), day, SERVICES[service]] += part
    return projects, millionths


def dealt(total, weights):
    """Splits by the first part of the keys; yields it, its share, and the weights below it."""
    groups = []
    for first, group in itertools.groupby(sorted(weights.items()), key=lambda item: item[0][0]):
        groups.append((first, {key[1:]: weight for key, weight in group}))
    shares = split(total, [sum(below.values()) for _, below in groups])
    return [(first, share, below) for (first, below), share in zip(groups, shares)]


def split(total, weights):
    """Whole units by largest remainder; on a tie the earlier one first."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [math.floor(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts
