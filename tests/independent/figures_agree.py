"""Holds every file of a month's report, and the database's views, against each other.

    figures_agree.py MONTH_FOLDER VIEWS.json

Reads CSV, Parquet (with pyarrow and with DuckDB), the workbook (openpyxl), the
page (its DOM), FOCUS and JSON, and rows of the views that the caller queried.
Compares to the millionth of the currency and to the second. Prints what was
compared, and exits with 1 and the first differences when a figure is not the same.
"""

import collections
import csv
import datetime
import html.parser
import json
import pathlib
import sys
from decimal import Decimal

import duckdb
import openpyxl
import pyarrow.parquet

MEDIA = ["audio", "sd", "hd", "hdp", "full_hd", "2k", "2k_plus"]


def rows(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


class Figures:
    """What one reader found in one file."""

    def __init__(self):
        self.total = None
        self.projects = None  # id -> cost
        self.names = None  # id -> name
        self.days = None  # day -> cost
        self.lines = None  # "service media tier" -> amount
        self.cells = None  # (project, day, service, media) -> seconds
        self.costs = None  # (project, day, service) -> cost
        self.minutes = None  # (project, media) -> minutes at six places


def six(value):
    return Decimal(value).quantize(Decimal("0.000001"))


def from_tables(summary, bill, days_of):
    """Figures of the tables of CSV or Parquet, however they were read."""
    found = Figures()
    found.projects = {row["project_id"] or "": Decimal(row["cost"]) for row in summary}
    found.names = {row["project_id"]: row["project_name"] or "" for row in summary if row["project_id"]}
    found.total = sum(found.projects.values())
    found.minutes = {
        (row["project_id"], media): Decimal(row[f"{media}_minutes"])
        for row in summary for media in MEDIA if row[f"{media}_minutes"] not in ("", None)
    }
    found.lines = {
        " ".join(str(row[column]) for column in ("service", "media", "tier") if row[column] not in ("", None)):
            Decimal(row["amount"])
        for row in bill
    }
    found.cells, found.costs, found.days = {}, {}, collections.Counter()
    for project in found.names:
        for row in days_of(project):
            if row["day"] in ("", None):
                # Adjustments have no day.
                assert row["service"] == "adjustment", row
                continue
            day, service = str(row["day"]), row["service"]
            found.costs[project, day, service] = Decimal(row["cost"])
            found.days[day] += Decimal(row["cost"])
            for media in MEDIA:
                if row[f"{media}_seconds"] not in ("", None, 0, "0"):
                    found.cells[project, day, service, media] = int(row[f"{media}_seconds"])
    return found


def from_csv(month, stem):
    found = from_tables(rows(month / "summary.csv"), rows(month / "bill.csv"),
                        lambda project: rows(month / "projects" / f"{stem(project)}.csv"))
    # What a spreadsheet would run has an apostrophe here, and here alone.
    found.names = {
        project: name[1:] if name[:1] == "'" and name[1:2] in tuple("=+-@\t\r\n") else name
        for project, name in found.names.items()
    }
    return found


def from_pyarrow(month, stem):
    def read(path):
        return pyarrow.parquet.read_table(path).to_pylist()
    return from_tables(read(month / "summary.parquet"), read(month / "bill.parquet"),
                       lambda project: read(month / "projects" / f"{stem(project)}.parquet"))


def from_duckdb(month, stem):
    def read(path):
        answer = duckdb.execute("select * from read_parquet(?)", [str(path)])
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row)) for row in answer.fetchall()]
    return from_tables(read(month / "summary.parquet"), read(month / "bill.parquet"),
                       lambda project: read(month / "projects" / f"{stem(project)}.parquet"))


def from_focus(found_rows, bill):
    """`bill` has the figures of the CSV files: what each day costs, whatever it is for."""
    found = Figures()
    found.projects, found.days = collections.Counter(), collections.Counter()
    found.cells, found.costs = {}, collections.Counter()
    aside, lines = collections.Counter(), collections.Counter()
    for row in found_rows:
        project, cost = row["SubAccountId"] or "", Decimal(row["BilledCost"])
        found.projects[project] += cost
        category = row["ChargeCategory"]
        for price, total in [("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")]:
            if row[price] not in ("", None):
                product = Decimal(row[price]) * Decimal(row["PricingQuantity"])
                assert Decimal(row[total]) == product, row
            else:
                assert category != "Usage" or "unpriced" in row["Tags"], row
        if category != "Usage":
            if category in ("Tax", "Purchase"):
                aside["tax" if category == "Tax" else row["SkuId"]] += cost
                assert Decimal(row["EffectiveCost"]) == (cost if category == "Tax" else 0), row
            else:
                assert category == ("Credit" if cost < 0 else "Adjustment"), row
                assert Decimal(row["EffectiveCost"]) == cost, row
            continue
        day = str(row["ChargePeriodStart"])[:10]
        service, media = row["SkuId"].split(".")
        seconds = Decimal(row["ConsumedQuantity"])
        assert seconds == int(seconds), row
        found.cells[project, day, service, media] = int(seconds)
        found.costs[project, day, service] += cost
        found.days[day] += cost
        lines[project, day, service] += 1
        assert Decimal(row["EffectiveCost"]) == cost, row
        assert json.loads(row["Tags"])["cost_centre"], row
    found.total = sum(found.projects.values())
    rated = bill.lines["total"] - sum(
        amount for name, amount in bill.lines.items() if name.startswith("adjustment "))
    owed = {"tax": six(bill.lines.get("tax", 0)), "agora.commitment": six(bill.lines.get("commitment", 0))}
    assert dict(aside) == without_zeros(owed), (aside, owed)
    if aside:
        # A day costs its part of tax and commitment too; here they are rows of their own.
        of_usage = 1 - sum(aside.values()) / rated
        for key, cost in bill.costs.items():
            gap = found.costs[key] - cost * of_usage
            assert abs(gap) <= Decimal("0.000002") * lines[key], (key, gap)
        found.costs, found.days = None, None
    return found


def from_json(month):
    report = json.loads((month / "report.json").read_text(encoding="utf-8"))
    found = Figures()
    found.total = Decimal(report["total"])
    found.projects = {one["project_id"]: Decimal(one["cost"]) for one in report["projects"]}
    if Decimal(report["unallocated"]):
        found.projects[""] = Decimal(report["unallocated"])
    found.names = {one["project_id"]: one["project_name"] for one in report["projects"]}
    found.days = {day["day"]: Decimal(day["cost"]) for day in report["days"]}
    found.lines = {
        f"{line['service']} {line['media']} {line['tier']}": Decimal(line["amount"]) for line in report["bill"]
    }
    for charge in report["charges"]:
        assert charge["kind"] not in found.lines, charge
        found.lines[charge["kind"]] = Decimal(charge["amount"])
    found.lines |= {
        f"adjustment {one['id']}": Decimal(one["amount"]) for one in report["adjustments"]
    }
    found.lines |= {"rounding": Decimal(report["rounding"]), "total": found.total}
    found.cells, found.costs = {}, {}
    for one in report["projects"]:
        for day in one["days"]:
            key = one["project_id"], day["day"], day["service"]
            found.costs[key] = Decimal(day["cost"])
            found.cells |= {(*key, media): seconds for media, seconds in day["seconds"].items() if seconds}
        sums = collections.Counter()
        for day in one["days"]:
            sums.update(day["seconds"])
        assert +sums == +collections.Counter(one["seconds"]), one["project_id"]
    return found


def from_workbook(month):
    """Values as the cells hold them, and the results that formulas hold."""
    book = openpyxl.load_workbook(month / "report.xlsx", data_only=True)
    formulas = openpyxl.load_workbook(month / "report.xlsx")
    expected = ["Summary", "Bill", "Allocation", "Daily", "Changes since close", "Coverage", "Invoice", "Outlook"]
    assert book.sheetnames == expected, book.sheetnames
    found = Figures()

    def money(value):
        return six(repr(value))

    head, *body = [row for row in book["Allocation"].iter_rows(values_only=True)]
    end = next(at for at, row in enumerate(body) if row[0] == "total")
    at = {name: number for number, name in enumerate(head) if name}
    found.projects, found.names, found.minutes = {}, {}, {}
    for row in body[:end]:
        found.projects[row[0] or ""] = money(row[at["Cost"]])
        if row[0]:
            found.names[row[0]] = row[1] or ""
            for media in MEDIA:
                if row[at[f"{media} minutes"]] is not None:
                    found.minutes[row[0], media] = money(row[at[f"{media} minutes"]])
    found.total = money(body[end][at["Cost"]])
    for media in MEDIA:
        column = [money(row[at[f"{media} minutes"]] or 0) for row in body[:end]]
        assert sum(column) == money(body[end][at[f"{media} minutes"]]), media
    centres = [row for row in body[end + 3:] if row[0]]
    unallocated = found.projects.get("", 0)
    assert sum(money(row[1]) for row in centres) == found.total - unallocated, centres
    for name in ("Cost", "Month before", "Change"):
        column, total = [row[at[name]] for row in body[:end]], body[end][at[name]]
        cell = formulas["Allocation"].cell(end + 2, at[name] + 1).value
        if name != "Cost" and total == "n/a":
            assert set(column) <= {"n/a"}, column
            continue
        assert str(cell).startswith("=SUM("), cell
        assert sum(money(value) for value in column) == money(total), (name, column, total)

    _, *body = book["Bill"].iter_rows(values_only=True)
    found.lines = {}
    for row in body:
        name = " ".join(str(part) for part in row[:3] if part not in (None, ""))
        found.lines[name] = Decimal(repr(row[8])).quantize(Decimal("0.000000000001"))
    head, *body = book["Daily"].iter_rows(values_only=True)
    found.days = {}
    for row in body:
        if isinstance(row[0], datetime.datetime):
            found.days[row[0].date().isoformat()] = money(row[len(head) - 1] or 0)
    total = next(row for row in body if row[0] == "total")
    assert money(total[len(head) - 1]) == sum(found.days.values()), total
    assert money(next(row for row in book["Summary"].iter_rows(values_only=True) if row[0] == "Total")[1]) == found.total
    _, *body = book["Changes since close"].iter_rows(values_only=True)
    for row in body:
        assert row[6] is None or isinstance(row[6], datetime.datetime), row
    facts = {row[0]: row[1] for row in book["Coverage"].iter_rows(values_only=True)}
    for name in ("Idle cells, billed as 0", "Cells with an unknown value"):
        assert isinstance(facts[name], int), (name, facts[name])
    for sheet in book.worksheets[1:]:
        if sheet.title not in ("Coverage", "Invoice", "Outlook"):
            assert sheet.freeze_panes and sheet.print_area, sheet.title
    # Nothing is drawn of nothing.
    assert bool(book["Daily"]._charts) == bool(any(found.days.values()) or any(found.minutes.values())), found.days
    return found


class Page(html.parser.HTMLParser):
    """The rows of the page's tables, by the names that it gives them."""

    VOID = {"meta", "br", "col", "link", "img", "input", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.values, self.row = [], [], {}, None
        self.scripts, self.links = 0, []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [attributes[name] for name in ("src", "href", "xlink:href") if name in attributes]
        assert not any(name.startswith("on") or name == "style" for name in attributes), attributes
        if tag == "tr":
            self.row = (attributes, [])
            self.rows.append(self.row)
        elif "data-exact" in attributes and self.row is not None and tag == "td":
            self.row[1].append((attributes.get("class", ""), attributes["data-exact"]))
        if "id" in attributes and "data-exact" in attributes:
            self.values[attributes["id"]] = attributes["data-exact"]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, f"{tag} closes nothing"
        if tag == "tr":
            self.row = None


def from_page(month):
    page = Page((month / "report.html").read_text(encoding="utf-8"))
    assert not page.links, page.links
    found = Figures()
    found.total = Decimal(page.values["total"])

    def costs(key):
        return {
            attributes[key]: Decimal(next(exact for kind, exact in cells if "cost" in kind))
            for attributes, cells in page.rows if key in attributes and cells
        }

    found.projects, found.days = costs("data-project"), costs("data-day")
    found.lines = {
        attributes["data-line"]: Decimal(cells[-1][1])
        for attributes, cells in page.rows if "data-line" in attributes
    }
    effects = [Decimal(cells[0][1]) for attributes, cells in page.rows if "data-effect" in attributes]
    if "change" in page.values:
        assert sum(effects) == Decimal(page.values["change"]), effects
    return found


def from_views(path):
    """Rows of cost_by_media_daily, project_cost_daily and project_cost_monthly."""
    views = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    found = Figures()
    found.projects = {row["project_id"]: Decimal(row["cost"]) for row in views["monthly"]}
    found.total = Decimal(views["total"])
    found.costs = {
        (row["project_id"], row["day"], row["service"]): Decimal(row["cost"]) for row in views["daily"]
    }
    found.days = collections.Counter()
    for row in views["daily"]:
        found.days[row["day"]] += Decimal(row["cost"])
    found.cells, by_media = {}, collections.Counter()
    for row in views["media"]:
        key = row["project_id"], row["day"], row["service"]
        found.cells[(*key, row["media"])] = int(row["seconds"])
        by_media[key] += Decimal(row["cost"])
    for key, cost in by_media.items():
        assert found.costs[key] == cost, key
    return found


def without_zeros(values):
    return {key: value for key, value in values.items() if value != 0}


def main():
    month, views = pathlib.Path(sys.argv[1]), sys.argv[2]
    manifest = json.loads((month / "manifest.json").read_text(encoding="utf-8"))
    escaped = manifest["escaped_file_names"]

    def stem(project):
        return escaped.get(project, project)

    duckdb.execute("set timezone = 'UTC'")
    kinds = duckdb.execute("describe select * from read_parquet(?)", [str(month / "focus.parquet")])
    moments = {row[0]: row[1] for row in kinds.fetchall() if row[0].endswith(("Start", "End"))}
    assert set(moments.values()) == {"TIMESTAMP WITH TIME ZONE"}, moments
    focus = duckdb.execute("select * from read_parquet(?)", [str(month / "focus.parquet")])
    names = [column[0] for column in focus.description]
    assert names == sorted(names), names
    focus_rows = [dict(zip(names, row)) for row in focus.fetchall()]
    from_files = from_csv(month, stem)
    readers = {
        "csv": from_files,
        "parquet by pyarrow": from_pyarrow(month, stem),
        "parquet by duckdb": from_duckdb(month, stem),
        "focus.csv": from_focus(rows(month / "focus.csv"), from_files),
        "focus.parquet": from_focus(focus_rows, from_files),
        "report.json": from_json(month),
        "report.xlsx": from_workbook(month),
        "report.html": from_page(month),
        "views": from_views(views),
    }
    first, differences, compared = readers["csv"], [], 0
    if first.total != Decimal(manifest["bill_total"]):
        differences.append(f"csv: total {first.total}")
    for name, found in readers.items():
        for what, expected in vars(first).items():
            value = getattr(found, what)
            if value is None:
                continue
            if isinstance(expected, dict):
                if what != "names":
                    value, expected = without_zeros(value), without_zeros(expected)
                for key in value.keys() | expected.keys():
                    compared += 1
                    if value.get(key) != expected.get(key):
                        differences.append(f"{name}: {what} {key}: {value.get(key)} is not {expected.get(key)}")
            else:
                compared += 1
                if value != expected:
                    differences.append(f"{name}: {what}: {value} is not {expected}")
    for difference in differences[:20]:
        print(difference, file=sys.stderr)
    print(f"{month.name}: {len(readers)} readers, {compared} figures, {len(differences)} differences")
    sys.exit(bool(differences))


main()
