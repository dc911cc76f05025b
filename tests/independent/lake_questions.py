#!/usr/bin/env python3
"""Answers the questions of queries/spark from a lake and compares every digit.

    lake_questions.py duckdb LAKE ANSWERS
    lake_questions.py spark LAKE ANSWERS MASTER MEMORY

LAKE is a folder that `agora-usage lake export` wrote, ANSWERS holds a CSV file a
question with what PostgreSQL answers. The files in force are found as any reader
finds them, by `_manifest.json`. Exit code 1 where an answer differs.
"""

import csv
import hashlib
import json
import pathlib
import sys
import time

QUESTIONS = pathlib.Path(__file__).resolve().parents[2] / "queries" / "spark"
DATASETS = ["usage_daily", "cost_daily", "occupancy_minute", "occupancy_channel"]


def files_in_force(lake, dataset):
    """Paths by the manifests, each checked against its hash."""
    paths = []
    for manifest in sorted(pathlib.Path(lake, dataset).glob("*/*/_manifest.json")):
        for entry in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
            path = manifest.parent / entry["name"]
            if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
                sys.exit(f"{path}: not the file of its manifest")
            paths.append(str(path))
    return paths


def bucket(account):
    """The documented rule, told by other code."""
    return int(hashlib.sha256(account.encode()).hexdigest()[:8], 16) % 16


def misplaced(lake):
    """Accounts in a bucket that is not theirs, read from the files themselves."""
    import duckdb

    found = []
    for dataset in DATASETS:
        for path in files_in_force(lake, dataset):
            query = "select distinct account_id from read_parquet(?, hive_partitioning = false)"
            for (account,) in duckdb.execute(query, [path]).fetchall():
                if f"account_bucket={bucket(account):02}/" not in path:
                    found.append(f"{path}: account {account} is of bucket {bucket(account)}")
    return found


def duckdb_answers(lake):
    import duckdb

    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    database.execute("create macro unix_micros(t) as epoch_us(t)")
    for dataset in DATASETS:
        paths = files_in_force(lake, dataset)
        database.read_parquet(paths, hive_partitioning=False).create_view(dataset)
    for question in sorted(QUESTIONS.glob("*.sql")):
        answer = database.execute(question.read_text(encoding="utf-8"))
        yield question.stem, [column[0] for column in answer.description], answer.fetchall()


def spark_answers(lake, master, memory):
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(master)
        .appName("agora-usage lake")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.executor.memory", memory)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    for dataset in DATASETS:
        # Paths of files, not of folders: those hold earlier revisions too.
        session.read.parquet(*files_in_force(lake, dataset)).createOrReplaceTempView(dataset)
    for question in sorted(QUESTIONS.glob("*.sql")):
        answer = session.sql(question.read_text(encoding="utf-8").rstrip())
        yield question.stem, answer.columns, [tuple(row) for row in answer.collect()]
    executors = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    print(f"spark: {executors} executors on {master}")
    session.stop()


def texts(row):
    return [f"{value:f}" if hasattr(value, "as_tuple") else str(value) for value in row]


def main():
    engine, lake, answers, *master = sys.argv[1:]
    found = spark_answers(lake, *master) if engine == "spark" else duckdb_answers(lake)
    differences = misplaced(lake)
    count = 0
    begun = time.monotonic()
    for question, columns, rows in found:
        count += 1
        seconds = time.monotonic() - begun
        with open(pathlib.Path(answers, f"{question}.csv"), newline="", encoding="utf-8") as file:
            header, *expected = list(csv.reader(file))
        given = [texts(row) for row in rows]
        if header != columns:
            differences.append(f"{question}: columns {columns}, not {header}")
        if given != expected:
            differing = [pair for pair in zip(given, expected) if pair[0] != pair[1]][:3]
            differences.append(f"{question}: {len(given)} rows, not {len(expected)}; {differing}")
        print(f"{engine}: {question}: {len(given)} rows in {seconds:.1f} s")
        begun = time.monotonic()
    for difference in differences:
        print(difference, file=sys.stderr)
    print(f"{engine}: {count} questions, {len(differences)} differences")
    sys.exit(not count or bool(differences))


if __name__ == "__main__":
    main()
