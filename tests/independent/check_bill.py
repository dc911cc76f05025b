"""Computes bills a second time, and holds the program's reports against them.

    check_bill.py PROGRAM [--seed N] [--projects N]

Starts the simulator, lets the program fetch and report, then asks the simulator
itself over HTTP and works the bills out with fractions, from the price book and
the rules alone. Shares no code with the program. Prints a line a check, and
exits with 1 and the first differences when a figure is not the same.
"""

import argparse
import base64
import collections
import csv
import datetime
import itertools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse
import urllib.request
from decimal import Decimal
from fractions import Fraction

import duckdb

from rules import MEDIA, allocate, rate

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK_REPORTS = ROOT / "scripts" / "check-reports"
PRICE_BOOK = ROOT / "pricebooks" / "tiered-usd.toml"

# Fixed, so that a run tells the same story on any day. Past the look-back of April.
NOW = "2031-05-20T12:00:00Z"
LAST_FULL_MONTH = datetime.date(2031, 4, 1)
MONTHS_BACK = 11

BUSINESS = {"rtc": "default", "cloud_recording": "cloudRecording", "miniapp": "miniapp"}
V3_FIELDS = {
    "durationAudioAll": "audio", "durationVideoHd": "hd", "durationVideoHdp": "hdp",
    "durationVideo1080P": "full_hd", "durationVideo2K": "2k", "durationVideo4K": "2k_plus",
}
V1_FIELDS = ["audio", "sd", "hd", "hdp"]
TEXT_COLUMNS = {"account", "project_id", "project_name", "status", "currency", "service", "media", "day"}


class Simulator:
    """The API, served by the program; asked here without any of its client code."""

    def __init__(self, program, environment, flags):
        command = [program, "simulator", "--requests-per-second", "0", *flags]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        lines = [self.process.stdout.readline() for _ in range(3)]
        self.settings = dict(shlex.split(line)[0].split("=", 1) for line in lines)
        pair = f"{self.settings['AGORA_CUSTOMER_ID']}:{self.settings['AGORA_CUSTOMER_SECRET']}"
        self.authorization = "Basic " + base64.b64encode(pair.encode()).decode()
        # Never by a proxy of the environment: the simulator is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path, **query):
        url = f"{self.settings['AGORA_BASE_URL']}{path}?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        with self.opener.open(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return json.load(answer)

    def listed_projects(self):
        return {project["id"]: project["name"] for project in self.get("/dev/v1/projects/")["projects"]}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def last_day(month):
    return (month + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)


def months_from_deleted_project(api):
    """From the month in which a project had usage that is deleted now, to the last full one."""
    months = [LAST_FULL_MONTH]
    listed = api.listed_projects()
    while all(project_id in listed for project_id, _, _ in usage_v1(api, months[0])):
        if len(months) > MONTHS_BACK:
            sys.exit("the simulator has no deleted project with usage")
        months.insert(0, (months[0] - datetime.timedelta(days=1)).replace(day=1))
    return months


def usage_v1(api, month):
    """Seconds by project, day and service: minutes times 60."""
    cells = {}
    for usage in api.get("/dev/v1/usage/", from_date=month, to_date=last_day(month))["usages"]:
        for day in usage["daily"]:
            date = datetime.datetime.strptime(str(day["date"]), "%Y%m%d").date().isoformat()
            cells[usage["project"], date, "rtc"] = {media: 60 * day[media] for media in V1_FIELDS}
    return cells


def usage_v3(api, month, project_ids):
    """Seconds by project, day and service."""
    cells = {}
    for project_id, (service, business) in itertools.product(project_ids, BUSINESS.items()):
        days = {"from_date": month, "to_date": last_day(month)}
        answer = api.get("/dev/v3/usage", project_id=project_id, business=business, **days)
        for day in answer["usages"]:
            seconds = {V3_FIELDS[field]: value for field, value in day["usage"].items()}
            cells[project_id, day["date"][:10], service] = seconds
    return cells


def typed(name, value):
    if value is None or value == "":
        return None
    return str(value) if name in TEXT_COLUMNS else Fraction(value)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: typed(name, value) for name, value in row.items()} for row in csv.DictReader(file)]


def ask(query, path):
    """The rows of a query on Parquet files."""
    with duckdb.connect() as connection:
        answer = connection.execute(query, [str(path)])
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row)) for row in answer.fetchall()]


def read_parquet(path):
    rows = ask("from read_parquet(?)", path)
    return [{name: typed(name, value) for name, value in row.items()} for row in rows]


class Checks:
    """Collects what differs, and says how each check went."""

    def __init__(self):
        self.differences = []

    def same(self, what, found, expected):
        """Compares two mappings key by key."""
        keys = sorted(found.keys() | expected.keys(), key=str)
        wrong = [key for key in keys if found.get(key) != expected.get(key)]
        print(f"  {'differs' if wrong else 'same':7}  {what} ({len(keys)})")
        for key in wrong:
            self.differences.append(f"{what}, {key}: {plain(found.get(key))}, not {plain(expected.get(key))}")


def plain(value):
    """As people read it."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    return str(Decimal(value.numerator) / value.denominator) if isinstance(value, Fraction) else value


def check_month(checks, folder, cells, names, book):
    """One month's reports against the cells that the API gives; names of all projects by id."""
    lines, exact_total, cents = rate(cells, book)
    projects, millionths = allocate(cents, lines, cells, book)
    total = Fraction(cents, 100)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    summary = {row["project_id"]: row for row in read_csv(folder / "summary.csv")}
    days = {}
    for key in names:
        stem = manifest["escaped_file_names"].get(key, key)
        rows = read_csv(folder / "projects" / f"{stem}.csv")
        days |= {(key, row["day"], row["service"]): row for row in rows}

    figures = {"bill_total": total, "projects_total": total, "exact_total": exact_total, "unallocated": 0}
    checks.same("totals of manifest.json", {name: Fraction(manifest[name]) for name in figures}, figures)

    blank = dict.fromkeys(lines[0])
    rounding = blank | {"service": "rounding", "amount": total - exact_total}
    last = blank | {"service": "total", "amount": total}
    bill = read_csv(folder / "bill.csv")
    checks.same("lines of bill.csv", dict(enumerate(bill)), dict(enumerate([*lines, rounding, last])))

    costs = {key: Fraction(projects.get(key, 0), 100) for key in names}
    checks.same("costs of summary.csv", {key: row["cost"] for key, row in summary.items()}, costs)
    sums = collections.Counter()
    for (key, _, _), used in cells.items():
        sums.update({(key, media): seconds for media, seconds in used.items()})
    found = {(key, media): row[f"{media}_minutes"] or 0 for key, row in summary.items() for media in MEDIA}
    minutes = {(key, media): round(Fraction(sums[key, media], 60), 6) for key in names for media in MEDIA}
    checks.same("minutes of summary.csv", found, minutes)

    found = {key: {media: row[f"{media}_seconds"] for media in MEDIA} for key, row in days.items()}
    seconds = {key: {media: used.get(media) for media in MEDIA} for key, used in cells.items()}
    checks.same("seconds of projects/*.csv", found, seconds)
    costs = {key: Fraction(millionths[key], 1_000_000) for key in cells}
    checks.same("day costs of projects/*.csv", {key: row["cost"] for key, row in days.items()}, costs)
    check_parquet(checks, folder, names, total)


def check_parquet(checks, folder, names, total):
    """The Parquet files against their CSV files, whose figures are checked by now."""
    parquet = {path.stem: read_parquet(path) for path in folder.rglob("*.parquet")}
    from_csv = {path.stem: read_csv(path) for path in folder.rglob("*.csv")}
    # CSV protects names from spreadsheets; Parquet has them raw.
    for row in from_csv["summary"]:
        del row["project_name"]
    found = {row["project_id"]: row.pop("project_name") for row in parquet["summary"]}
    checks.same("names in summary.parquet", found, names)
    checks.same("rows of *.parquet", parquet, from_csv)
    query = "select sum(cost) as total, count(*) filter (cost < 0) as below_zero from read_parquet(?)"
    (found,) = ask(query, folder / "projects" / "*.parquet")
    checks.same("projects/*.parquet asked in SQL", found, {"total": total, "below_zero": 0})


def run(program, *arguments, environment):
    """Runs the program, which must succeed without a word on missing days."""
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def check_version(checks, version, api, months, program, environment, work):
    """Fetches by one version of the usage API, and checks the reports of the first and last month."""
    settings = work / f"{version}.toml"
    lines = f'data_folder = "{work / version}"', "requests_per_second = 0", f'usage_api = "{version}"'
    settings.write_text("\n".join(lines), encoding="utf-8")
    environment = environment | api.settings | {"AGORA_USAGE_CONFIG": str(settings)}
    out = work / f"reports-{version}"
    days = "--from", str(months[0]), "--to", str(last_day(months[-1]))
    run(program, "backfill", *days, environment=environment)

    listed = api.listed_projects()
    deleted = {key for month in months for key, _, _ in usage_v1(api, month)} - listed.keys()
    names = listed | dict.fromkeys(deleted)
    book = tomllib.loads(PRICE_BOOK.read_text(encoding="utf-8"))
    for month in (months[0], months[-1]):
        name = f"{month:%Y-%m}"
        run(program, "report", "--month", name, "--out", str(out), environment=environment)
        cells = usage_v1(api, month) if version == "v1" else usage_v3(api, month, sorted(names))
        used = {key for key, _, _ in cells}
        print(f"usage {version}, {name}: {len(used)} projects, {len(used & deleted)} of them deleted")
        check_month(checks, out / "default" / name, cells, names, book)
    agree = subprocess.run([sys.executable, CHECK_REPORTS, out], stdout=subprocess.DEVNULL)
    checks.same("all by scripts/check-reports", {"exit code": agree.returncode}, {"exit code": 0})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--projects", default="8")
    arguments = parser.parse_args()
    program = str(arguments.program.resolve())
    # Nothing of the user's own account or database may have a say.
    mine = ("AGORA_", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    environment["AGORA_USAGE_NOW"] = NOW
    work = pathlib.Path(tempfile.mkdtemp(prefix="agora-usage-bill-"))
    # As root, the database runs as another user, who must get in.
    work.chmod(0o755)
    api = Simulator(program, environment, ["--seed", arguments.seed, "--projects", arguments.projects])
    checks = Checks()
    try:
        months = months_from_deleted_project(api)
        for version in ("v3", "v1"):
            check_version(checks, version, api, months, program, environment, work)
    finally:
        api.stop()
        shutil.rmtree(work, ignore_errors=True)
    for difference in checks.differences[:20]:
        print(f"difference: {difference}", file=sys.stderr)
    if checks.differences:
        sys.exit(f"{len(checks.differences)} differences")
    print("every figure is the same")


main()
