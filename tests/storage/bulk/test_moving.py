"""Moves of trees: the source goes once its copy is there, and nothing is ever moved onto itself."""

import pytest

from cloudlayer.errors import Conflict, PermissionDenied
from cloudlayer.interfaces.capabilities import Capability
from cloudlayer.storage.bulk import Tree, Wanted, sync
from cloudlayer.storage.registry import connect
from tests.storage.bulk.contents import in_folder, in_tree
from tests.storage.transfers.stand_ins import Watched

NAMES = 7


def test_a_move_deletes_what_it_has_copied_and_nothing_else(source, target, folder):
    before, put = in_folder(folder), target.store.put

    def some(key, data, *options):
        if key.endswith("c"):
            raise PermissionDenied("no")
        return put(key, data, *options)

    target.store.put = some
    assert sync(source, target, Wanted(overwrite=True, move=True)).failed == 1
    assert (in_folder(folder).keys(), in_tree(target)) == ({"b/c"}, {k: v for k, v in before.items() if k != "b/c"})


@pytest.fixture
def twice(tmp_path):
    """One bucket by two accounts."""
    one, other = (connect("memory", tmp_path.name, f"memory+{label}", {}) for label in ("one", "two"))
    other._bucket = one._bucket
    return one, other


@pytest.mark.parametrize(("prefix", "target_prefix"), [("t", "t"), ("t", "t/in"), ("t/in", "t"), ("", "")])
@pytest.mark.parametrize("swaps", [True, False])
def test_a_tree_is_not_moved_onto_itself_by_another_account(twice, prefix, target_prefix, swaps):
    one, other = twice
    if not swaps:
        one.capabilities.items["compare_and_swap"] = Capability(False, "it looks at no etag")
    for key in ("t/a", "t/in/b"):
        one.put(key, b"x")
    with pytest.raises(Conflict, match="one place"):
        sync(Tree.at(one, prefix), Tree.at(other, target_prefix), Wanted(overwrite=True, move=True))
    assert in_tree(Tree(one, "")) == {"t/a": b"x", "t/in/b": b"x"}


def test_two_folders_of_one_bucket_are_moved_by_two_accounts(twice):
    one, other = twice
    one.put("t/a", b"x")
    assert sync(Tree.at(one, "t"), Tree.at(other, "u"), Wanted(overwrite=True, move=True)).copied == 1
    assert in_tree(Tree(one, "")) == {"u/a": b"x"}


def test_a_folder_is_not_moved_onto_itself_by_a_link(files, folder, tmp_path):
    before = in_folder(folder)
    (tmp_path / "link").symlink_to(folder)
    link = Tree.at(files, str(tmp_path / "link")[1:])
    with pytest.raises(Conflict, match="one place"):
        sync(link, Tree.at(files, str(folder)[1:]), Wanted(overwrite=True, move=True))
    assert in_folder(folder) == before


def test_a_dry_run_of_a_move_writes_nothing_at_all(source, target, folder):
    before = in_folder(folder)
    assert sync(source, target, Wanted(overwrite=True, move=True, dry_run=True)).copied == NAMES
    assert (in_folder(folder), in_tree(target)) == (before, {})
    assert "put" not in target.store.calls


def test_without_compare_and_swap_a_move_looks_before_it_deletes(store, tmp_path):
    store.put("t/a", b"old")
    store.capabilities.items["compare_and_swap"] = Capability(False, "it looks at no etag")
    other = Watched(connect("memory", "other", f"memory+{tmp_path.name}", {}))

    def late(key, data, *options):
        made = other._store.put(key, data, *options)
        if key == "u/a":
            store.put("t/a", b"new")
        return made

    other.put = late
    report = sync(Tree.at(store, "t"), Tree.at(other, "u"), Wanted(overwrite=True, move=True))
    assert (report.failed, in_tree(Tree(store, ""))) == (1, {"t/a": b"new"})
    assert "written to while it was moved" in str(report.failures[0])


def test_a_move_that_broke_off_after_a_copy_deletes_what_was_copied_then(source, target, folder, monkeypatch):
    before = in_folder(folder)
    wanted = Wanted(overwrite=True, move=True)

    def refused(*_, **__):
        raise PermissionDenied("no")

    with monkeypatch.context() as patch:
        patch.setattr(source.store, "delete", refused)
        assert sync(source, target, wanted).failed == NAMES
    assert in_folder(folder) == before
    report = sync(source, target, wanted)
    assert (report.failed, in_folder(folder), in_tree(target)) == (0, {}, before)
