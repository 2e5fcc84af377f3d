"""An index chooses what the definition chooses, however much is placed and released."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings

from cloudlayer.scheduler.placing import index as index_module
from cloudlayer.scheduler.placing import index_fast
from cloudlayer.scheduler.placing.arrays import fits
from cloudlayer.scheduler.placing.bestfit_order import BestFitOrder
from cloudlayer.scheduler.placing.compiled import available
from cloudlayer.scheduler.placing.index import Index, replay
from cloudlayer.scheduler.placing.index_fast import replay_fast
from cloudlayer.scheduler.placing.lookahead import LookAhead
from cloudlayer.scheduler.placing.lookahead_order import LookAheadOrder
from tests.scheduler.placing.crowds import move, plainly, worlds

relaxed = settings(max_examples=300, deadline=None)


@pytest.fixture(params=[0, 3, 24], ids=lambda recent: f"{recent} recent")
def recent(request, monkeypatch):
    """Small worlds reach the heaps only where few machines count as recent."""
    monkeypatch.setattr(index_module, "_RECENT", request.param)
    monkeypatch.setattr(index_module, "_SLACK", 4)
    monkeypatch.setattr(index_module, "_MOST_SETTLED", 10)


@pytest.mark.usefixtures("recent")
@relaxed
@given(worlds())
def test_an_index_chooses_what_a_look_at_all_machines_chooses_with_releases_in_between(world):
    shapes, machines, events = world
    chosen = replay(Index(BestFitOrder(shapes, machines)), events)
    assert chosen == plainly(shapes, copy.deepcopy(machines), events)


@pytest.fixture(params=[(2, 20), (3, 8), (32, 64)], ids=lambda sizes: f"{sizes[0]} entries")
def leaves(request, monkeypatch):
    """Small worlds split leaves and branches, and run out of them, only where these are small and few."""
    most, spare = request.param
    monkeypatch.setattr(index_fast, "_ENTRIES", most)
    monkeypatch.setattr(index_fast, "_SPARE", spare)


@pytest.mark.usefixtures("leaves")
@pytest.mark.skipif(not available(), reason="numba is not installed")
@settings(max_examples=100, deadline=None)
@given(worlds())
def test_machine_code_chooses_the_same_machines_and_devices(world):
    shapes, machines, events = world
    found = replay_fast(shapes, machines, np.array(events, dtype=np.int64))
    chosen = replay(Index(BestFitOrder(shapes, machines)), events)
    pairs = [(-1, 0) if each is None else (each.machine, sum(1 << device for device in each.devices)) for each in chosen]
    assert list(zip(found.machine.tolist(), found.devices.tolist(), strict=True)) == pairs


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_no_device_is_ever_exceeded_by_the_look_ahead(world):
    shapes, machines, events = world
    placer = LookAhead(shapes, np.ones(len(shapes.cpu), dtype=np.int64), machines, fast=False)
    now = copy.deepcopy(machines)
    index = Index(LookAheadOrder(shapes, machines, placer))
    choices = []
    for event in events:
        if event < 0:
            if choices[~event]:
                index.release(events[~event], choices[~event])
                move(shapes, now, events[~event], choices[~event], -1)
            choices.append(None)
            continue
        fitting = fits(shapes, event, now).any()
        choices.append(index.place(event))
        assert (choices[-1] is not None) == fitting
        move(shapes, now, event, choices[-1], 1)
