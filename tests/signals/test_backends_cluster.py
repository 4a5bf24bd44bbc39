"""The triggers on a real Spark cluster: a master and two workers, each a process of its own."""

from __future__ import annotations

import json
import urllib.request

import pytest

from agent.foundation.warehouse.remote import spark_session
from tests.signals.random_worlds import random_world
from tests.spark import cluster, spark_options
from tests.warehouses import differences, fill_spark, scan_in_place

__all__ = ["spark_options"]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_a_scan_on_a_cluster_finds_what_it_finds_at_home(spark_options, tmp_path):
    """On two workers of their own, each a process with its own executor."""
    world = random_world(62, 8)
    at_home = world.scan(show_rows=True)
    with cluster(tmp_path) as (master, page):
        session = spark_session(master, spark_options)
        try:
            fill_spark(session, world.facts)
            there = scan_in_place(master)
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/") as answer:
                busy = [worker["coresused"] for worker in json.load(answer)["workers"]]
        finally:
            session.stop()
    assert busy == [1, 1]
    assert sum(len(one.findings) for one in at_home.accounts) > 10
    assert differences(at_home, there) == []
