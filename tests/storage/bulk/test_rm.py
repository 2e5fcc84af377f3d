import pytest

from cloudlayer.errors import InvalidSpec, PermissionDenied
from cloudlayer.storage.bulk import Ears, Globs, Tree, delete_tree
from cloudlayer.storage.objects import Fault, Page
from tests.storage.bulk.contents import in_tree


@pytest.fixture
def tree(store):
    for number in range(2500):
        store.put(f"t/{number:04}", b"x")
    store.put("tt", b"x")
    return Tree.at(store, "t")


def test_all_below_and_nothing_else_is_deleted_in_few_requests(tree):
    assert delete_tree(tree).deleted == 2500
    assert in_tree(Tree(tree.store, "")).keys() == {"tt"}
    assert tree.store.calls.count("delete_many") == 3


def test_a_second_run_deletes_what_the_first_could_not(tree):
    delete_many = tree.store.delete_many

    def some(keys):
        kept = {key: PermissionDenied("no") for key in keys if key.endswith("7")}
        return delete_many([key for key in keys if key not in kept]) | kept

    tree.store.delete_many = some
    report = delete_tree(tree)
    assert (report.deleted, report.failed, report.failures[0].error) == (2250, 250, "no")
    tree.store.delete_many = delete_many
    assert delete_tree(tree).deleted == 250


def test_nothing_is_deleted_without_agreement_or_in_a_dry_run(tree):
    seen = []
    delete_tree(tree, ears=Ears(agree=lambda count, items: seen.extend((count, *next(items)[:1]))))
    assert (seen, len(in_tree(tree))) == ([2500, "0000"], 2500)
    assert (delete_tree(tree, dry_run=True).deleted, len(in_tree(tree))) == (2500, 2500)


def test_globs_choose(tree):
    assert delete_tree(tree, Globs.of(["*7"], ["0*"])).deleted == 150


def test_the_whole_of_a_store_is_deleted_by_nobody_in_passing(tree):
    whole = Tree(tree.store, "")
    for globs in (Globs.of(), Globs.of((), ["*7"])):
        with pytest.raises(InvalidSpec, match="is a whole store: name a folder"):
            delete_tree(whole, globs)
    assert len(in_tree(whole)) == 2501
    assert delete_tree(whole, Globs.of(["tt"])).deleted == 1


@pytest.mark.parametrize(("globs", "failed"), [(Globs.of(["*7"]), 1), (Globs.of(["*7"], ["closed/"]), 0)])
def test_a_folder_that_cannot_be_looked_into_is_told_unless_it_is_excluded(tree, globs, failed):
    list_ = tree.store.list

    def closed(prefix="", **named):
        yield from list_(prefix, **named)
        yield Page((), faults=(Fault("t/closed/", "may not be read: Permission denied"),))

    tree.store.list = closed
    report = delete_tree(tree, globs)
    assert (report.deleted, report.failed) == (250, failed)
