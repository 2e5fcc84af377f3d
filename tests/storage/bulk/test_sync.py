import os
import time
from datetime import UTC, datetime

import pytest

from cloudlayer.errors import AuthError, InvalidSpec, NotFound, PermissionDenied, TransientError, UnknownCloudError
from cloudlayer.interfaces.capabilities import Capability
from cloudlayer.storage.bulk import Ears, Globs, Tree, Wanted, sync
from cloudlayer.storage.objects import Fault, Page
from cloudlayer.storage.registry import connect
from tests.storage.bulk.contents import in_folder, in_tree

NAMES = 7


def test_there_and_back_all_is_equal_and_a_second_run_moves_nothing(source, target, back, folder, tmp_path):
    assert sync(source, target).copied == NAMES
    assert in_tree(target) == in_folder(folder)
    assert sync(target, back).copied == NAMES
    assert in_folder(tmp_path / "back") == in_folder(folder)
    for one, other in ((source, target), (target, back)):
        again = sync(one, other)
        assert (again.copied, again.kept, again.failed, again.bytes) == (0, NAMES, 0, 0)


def test_a_file_that_changed_is_brought_though_its_size_is_the_same(source, target, folder):
    sync(source, target)
    before = (folder / "a").read_text()
    (folder / "a").write_text(before.swapcase())
    assert (sync(source, target).copied, in_tree(target)["a"].decode()) == (1, before.swapcase())


def test_a_file_that_got_an_older_time_with_its_change_is_brought(source, target, folder):
    sync(source, target)
    before = (folder / "a").read_text()
    (folder / "a").write_text(before.swapcase())
    os.utime(folder / "a", (1000, 1000))
    assert (sync(source, target).copied, in_tree(target)["a"].decode()) == (1, before.swapcase())


def test_an_object_that_changed_at_the_target_is_brought_again(source, target, folder):
    sync(source, target)
    target.store.put("some/place/a", bytes((folder / "a").stat().st_size))
    assert (sync(source, target).copied, in_tree(target) == in_folder(folder)) == (1, True)


def test_without_a_journal_what_has_the_same_size_and_is_not_newer_is_kept(source, target, folder, home):
    sync(source, target)
    for path in (home / "transfers" / "trees").iterdir():
        path.unlink()
    later = time.time() + 3600
    os.utime(folder / "a", (later, later))
    (folder / "b.txt").write_text("another size")
    report = sync(source, target)
    assert (report.copied, report.kept) == (2, NAMES - 2)


def test_a_journal_that_is_damaged_is_begun_anew(source, target, home):
    sync(source, target)
    for path in (home / "transfers" / "trees").iterdir():
        path.write_bytes(b"no database" * 1000)
    assert (sync(source, target).kept, sync(source, target).kept) == (NAMES, NAMES)


def test_checksums_find_what_sizes_and_times_do_not_tell(source, target, folder, home):
    sync(source, target)
    for path in (home / "transfers" / "trees").iterdir():
        path.unlink()
    before = (folder / "a").read_text()
    (folder / "a").write_text(before.swapcase())
    os.utime(folder / "a", (1000, 1000))
    assert sync(source, target, Wanted(dry_run=True)).copied == 0
    report = sync(source, target, Wanted(checksum=True))
    assert (report.copied, report.kept, in_tree(target)["a"].decode()) == (1, NAMES - 1, before.swapcase())


def test_a_dry_run_tells_and_does_nothing(source, target, folder, home):
    target.store.put("some/place/surplus", b"x")
    steps, doomed = [], []
    ears = Ears(on_step=steps.append, agree=lambda count, items: doomed.extend(items))
    report = sync(source, target, Wanted(delete=True, dry_run=True), ears)
    assert (report.copied, {step.name for step in steps}) == (NAMES, set(in_folder(folder)))
    assert [name for name, _ in doomed] == ["surplus"]
    assert in_tree(target) == {"surplus": b"x"}


def test_what_the_source_has_not_stays_unless_its_deletion_is_wanted(source, target, folder):
    for key in ("some/place/gone", "some/place/b/gone", "some/placement", "some/other"):
        target.store.put(key, b"x")
    assert sync(source, target).deleted == 0
    assert sync(source, target, Wanted(delete=True)).deleted == 2
    assert in_tree(target) == in_folder(folder)
    assert in_tree(Tree(target.store, "")).keys() >= {"some/placement", "some/other"}


def test_nothing_is_deleted_without_agreement(source, target):
    target.store.put("some/place/gone", b"x")
    asked = []
    report = sync(source, target, Wanted(delete=True), Ears(agree=lambda count, items: asked.append((count, *items))))
    assert ([(count, name) for count, (name, _) in asked], report.deleted) == ([(1, "gone")], 0)
    assert "gone" in in_tree(target)


def test_nothing_is_deleted_if_the_list_of_the_source_breaks_off(store, files, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (there / "kept").write_bytes(b"x")

    def broken(prefix="", **named):
        yield Page(())
        raise TransientError("the list broke off")

    store.list = broken
    with pytest.raises(TransientError, match="the list broke off"):
        sync(Tree.at(store, "some"), Tree.at(files, str(there)[1:]), Wanted(delete=True))
    assert in_folder(there) == {"kept": b"x"}


def test_nothing_is_deleted_if_the_source_is_not_there_at_all(source, target, files, tmp_path):
    target.store.put("some/place/kept", b"x")
    with pytest.raises(NotFound, match="is no folder that is there"):
        sync(Tree.at(files, str(tmp_path / "none")[1:]), target, Wanted(delete=True))
    with pytest.raises(NotFound, match="has no object"):
        sync(Tree.at(connect("memory", "empty", "memory", {}), "none"), target, Wanted(delete=True))
    assert in_tree(target) == {"kept": b"x"}


def test_a_folder_that_may_not_be_read_is_told_and_nothing_is_deleted(store, target, source, monkeypatch):
    sync(source, target)
    pages, list_ = [], source.store.list

    def closed(prefix="", **named):
        for page in list_(prefix, **named):
            objects = tuple(info for info in page.objects if "/b/" not in info.key)
            yield Page(objects, faults=(Fault(f"{source.prefix}b/", "may not be read: Permission denied"),))

    monkeypatch.setattr(source.store, "list", closed)
    report = sync(source, target, Wanted(delete=True), Ears(on_failure=pages.append))
    told = "\n".join(map(str, pages))
    assert ("b/: may not be read: Permission denied" in told, "nothing was deleted" in told) == (True, True)
    assert (report.deleted, report.failed, "b/c" in in_tree(target)) == (0, 2, True)


def test_links_pipes_and_names_that_are_no_text_are_told_and_the_others_go_on(source, target, folder):
    (folder / "real").mkdir()
    (folder / "to-folder").symlink_to(folder / "real")
    (folder / "to-nothing").symlink_to("nothing")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    target.store.put("some/place/to-folder/kept", b"x")
    report = sync(source, target, Wanted(delete=True))
    told = "\n".join(map(str, report.failures))
    assert (report.copied, report.failed, report.deleted) == (NAMES, 4, 0)
    for name, reason in (("to-folder", "link"), ("to-nothing", "link"), ("pipe", "pipe"), ("caf\ufffd", "UTF-8")):
        assert any(name in line and reason in line for line in told.splitlines())


def test_names_that_the_target_cannot_have_are_told_and_the_others_go_on(store, back, tmp_path):
    for key in ("t/ok", "t/a//b", "t/../../up", "t/" + "n" * 300, "t/ok/below"):
        store.put(key, b"x")
    report = sync(Tree.at(store, "t"), back)
    assert (report.copied + report.failed, report.failed) == (5, 4)
    assert set(in_folder(tmp_path / "back")) < {"ok", "ok/below"}
    assert {failure.uri.removeprefix(store.uri) for failure in report.failures} >= {"t/a//b", "t/../../up"}
    assert not (tmp_path.parent / "up").exists()


def test_markers_of_folders_are_counted_and_not_made_files_of(store, back, tmp_path):
    for key in ("t/", "t/folder/", "t/folder/file"):
        store.put(key, b"" if key.endswith("/") else b"x")
    report = sync(Tree.at(store, "t"), back)
    assert (report.copied, report.markers, report.failed) == (1, 2, 0)
    assert in_folder(tmp_path / "back") == {"folder/file": b"x"}


def test_markers_go_along_between_stores_that_have_them(store, tmp_path):
    store.put("t/folder/", b"")
    other = Tree.at(connect("memory", "other", f"memory+{tmp_path.name}", {}), "t")
    assert sync(Tree.at(store, "t"), other).copied == 1
    assert in_tree(other) == {"folder/": b""}


def test_names_that_differ_in_case_alone_are_told_where_the_target_takes_them_for_one(source, target, folder):
    (folder / "A").write_bytes(b"another")
    target.store.capabilities.items["case_sensitive"] = Capability(False, "it does not tell them apart")
    target.store.put("some/place/B.TXT", b"x")
    report = sync(source, target, Wanted(delete=True))
    assert (report.copied, report.failed, report.deleted) == (NAMES, 1, 0)
    assert "takes it and A for the same name" in str(report.failures[0])


def test_the_errors_of_single_objects_are_collected_and_the_next_run_makes_up_for_them(source, target, folder):
    put = target.store.put

    def some(key, data, *options):
        if key.endswith("c"):
            raise PermissionDenied("no")
        return put(key, data, *options)

    target.store.put = some
    report = sync(source, target)
    assert (report.copied, report.failed, report.failures[0].uri) == (NAMES - 1, 1, source.uri + "b/c")
    target.store.put = put
    assert (sync(source, target).copied, in_tree(target) == in_folder(folder)) == (1, True)


def test_wrong_credentials_end_all_at_once(source, target):
    def refused(*_):
        raise AuthError("who are you?")

    target.store.put = refused
    with pytest.raises(AuthError):
        sync(source, target)


@pytest.mark.parametrize(
    ("exclude", "include", "brought"),
    [
        (["*.txt"], [], {"a", "b/c", "b/d e#?%+", "z/é/y", "z/" + "x" * 100, "empty"}),
        (["z/"], [], {"a", "b/c", "b/d e#?%+", "b.txt", "empty"}),
        ([], ["b/**"], {"b/c", "b/d e#?%+"}),
        (["b/c"], ["b/*", "?"], {"a", "b/d e#?%+", "z/é/y"}),
    ],
)
def test_globs_choose_what_is_meant_at_both_ends(source, target, exclude, include, brought):
    target.store.put("some/place/surplus.txt", b"x")
    target.store.put("some/place/z/surplus", b"x")
    globs = Globs.of(include, exclude)
    sync(source, target, Wanted(delete=True, globs=globs))
    surplus = {name for name in ("surplus.txt", "z/surplus") if not globs.mean(name)}
    assert set(in_tree(target)) == brought | surplus


def test_a_tree_into_itself_is_refused(source, files):
    for other in (source, Tree(files, source.prefix + "b/"), Tree(files, "")):
        with pytest.raises(InvalidSpec, match="one is in the other"):
            sync(source, other)


def test_a_store_whose_lists_have_no_order_is_brought_into_one(source, target, back, tmp_path, folder):
    sync(source, target)
    list_ = target.store.list

    def shuffled(prefix="", **named):
        infos = [info for page in list_(prefix, **named) for info in page.objects]
        yield Page(tuple(reversed(infos)))

    target.store.list = shuffled
    target.store.capabilities.items["ordered_list"] = Capability(False, "as they come")
    assert sync(source, target).kept == NAMES
    assert sync(target, back).copied == NAMES
    assert in_folder(tmp_path / "back") == in_folder(folder)


def test_large_and_small_ones_go_together(source, target, folder, back, tmp_path):
    (folder / "large").write_bytes(os.urandom(20_000_000))
    assert sync(source, target).copied == NAMES + 1
    assert sync(target, back).failed == 0
    assert (tmp_path / "back" / "large").read_bytes() == (folder / "large").read_bytes()


def test_a_copy_brings_all_again_but_goes_on_with_one_that_broke_off(source, target, folder):
    put, wanted = target.store.put, Wanted(overwrite=True)
    seen = []

    def dying(key, data, *options):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(key)
        return put(key, data, *options)

    target.store.put = dying
    with pytest.raises(KeyboardInterrupt):
        sync(source, target, wanted)
    target.store.put = put
    assert sync(source, target, wanted).copied == NAMES - 3
    assert sync(source, target, wanted).copied == NAMES
    assert in_tree(target) == in_folder(folder)


def test_metadata_and_content_types_go_along(store, tmp_path):
    from cloudlayer.storage.objects import PutOptions

    store.put("t/a", b"x", PutOptions(content_type="text/csv", metadata={"made-by": "me"}))
    other = Tree.at(connect("memory", "other", f"memory+{tmp_path.name}", {}), "")
    sync(Tree.at(store, "t"), other)
    assert (other.store.head("a").content_type, other.store.head("a").metadata) == ("text/csv", {"made-by": "me"})


def test_progress_tells_counts_and_bytes(source, target, folder):
    told = []
    sync(source, target, ears=Ears(progress=lambda report: told.append((report.copied, report.bytes))))
    assert told[-1][0] == NAMES
    assert max(size for _, size in told) == sum(map(len, in_folder(folder).values()))


def test_what_lists_tell_survives_the_way_over_a_file():
    from cloudlayer.storage.bulk.spool import Spool
    from cloudlayer.storage.objects import ObjectInfo

    spool = Spool()
    info = ObjectInfo("k", 5, "e", datetime.now(UTC), crc32c=7)
    for name in ("b", "é", "a", "\U0001f600", "a/b", "a.b"):
        spool.add(name, info)
    assert [name for name, _ in spool.items()] == ["a", "a.b", "a/b", "b", "é", "\U0001f600"]
    assert dict(spool.items())["é"] == info
    spool.close()


def test_an_object_that_is_replaced_after_it_was_listed_comes_as_it_is_then(store, back, tmp_path):
    store.put("t/a", b"old")
    list_ = store.list

    def listed(prefix="", **named):
        yield from list(list_(prefix, **named))
        store.put("t/a", b"new and longer")

    store.list = lambda prefix="", **named: iter(list(listed(prefix, **named)))
    assert sync(Tree.at(store, "t"), back).copied == 1
    assert in_folder(tmp_path / "back") == {"a": b"new and longer"}


@pytest.mark.parametrize("include", [[], ["*.csv"]])
def test_what_lies_behind_a_link_of_the_source_is_not_deleted_whatever_is_included(source, target, folder, tmp_path, include):
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "top.csv").write_bytes(b"t")
    target.store.put("some/place/link/a.csv", b"x")
    report = sync(source, target, Wanted(delete=True, globs=Globs.of(include)))
    assert (report.deleted, report.failed, "link/a.csv" in in_tree(target)) == (0, 1, True)
    assert "symbolic link" in str(report.failures[0])


@pytest.mark.parametrize("exclude", ["link/", "link", "link/**"])
def test_a_link_that_is_excluded_is_not_told_and_nothing_behind_it_is_deleted(source, target, folder, tmp_path, exclude):
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    target.store.put("some/place/link/a.csv", b"x")
    report = sync(source, target, Wanted(delete=True, globs=Globs.of((), [exclude])))
    assert (report.deleted, "link/a.csv" in in_tree(target)) == (0, True)
    assert report.failed == 0


def test_nothing_below_a_folder_that_may_not_be_read_is_deleted_whatever_is_included(target, source, monkeypatch):
    sync(source, target)
    target.store.put("some/place/b/gone.csv", b"x")
    list_ = source.store.list

    def closed(prefix="", **named):
        for page in list_(prefix, **named):
            objects = tuple(info for info in page.objects if "/b/" not in info.key)
            yield Page(objects, faults=(Fault(f"{source.prefix}b/", "may not be read: Permission denied"),))

    monkeypatch.setattr(source.store, "list", closed)
    report = sync(source, target, Wanted(delete=True, globs=Globs.of(["*.csv"])))
    assert (report.deleted, "b/gone.csv" in in_tree(target)) == (0, True)


@pytest.mark.parametrize("is_source", [True, False])
def test_a_list_out_of_order_ends_the_run_before_anything_is_deleted(source, target, back, monkeypatch, is_source):
    sync(source, target)
    sync(target, back)
    list_ = target.store.list

    def swapped(prefix="", **named):
        infos = [info for page in list_(prefix, **named) for info in page.objects]
        yield Page((*infos[2:], *infos[:2]))

    target.store.list = swapped
    pair = (target, back) if is_source else (back, target)
    before = in_tree(back)
    with pytest.raises(UnknownCloudError, match="out of order"):
        sync(*pair, Wanted(delete=True))
    target.store.list = list_
    assert in_tree(target) == in_tree(back) == before


def test_a_home_that_cannot_be_written_to_is_told_with_its_mend(source, target, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CLOUDLAYER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InvalidSpec, match="Set CLOUDLAYER_HOME to a folder"):
        sync(source, target)
    home = tmp_path / "other"
    monkeypatch.setenv("CLOUDLAYER_HOME", str(home))
    (home / "transfers").mkdir(parents=True)
    (home / "transfers" / "trees").write_bytes(b"")
    with pytest.raises(InvalidSpec, match="Set CLOUDLAYER_HOME to a folder"):
        sync(source, target)
