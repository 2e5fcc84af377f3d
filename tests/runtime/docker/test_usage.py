"""What replicas use is told."""

MIB = 1024**2


def test_memory_and_processors_are_told_of_each_replica_that_runs(fleet, engine):
    busy, idle = fleet.ready(engine), fleet.ready(engine)
    fleet.look(busy, "import builtins; builtins.kept = b'x' * (32 * 1024 * 1024); result = sum(range(5_000_000))")
    found = engine.usage()
    assert found.keys() == {busy.id, idle.id}
    assert found[busy.id].memory > found[idle.id].memory + 24 * MIB
    assert found[busy.id].cpu > found[idle.id].cpu > 0
    assert not found[busy.id].gpu
    engine.stop(busy.id, grace=0)
    assert engine.usage().keys() == {idle.id}
