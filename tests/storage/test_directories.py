"""Directories by URI: what is below them, and what globs choose of it."""

import pytest

from cloudlayer.errors import InvalidSpec

TREE = ["a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv", "sub2/[x].csv", "ü ?*.csv"]


@pytest.fixture
def tree(folder):
    for name in TREE:
        folder.file(name).put(name)
    return folder


def test_everything_below_a_directory_is_listed_in_order(tree, root):
    entries = list(tree.list())
    assert [entry.name for entry in entries] == sorted(TREE)
    assert [entry.uri for entry in entries] == [root + name for name in sorted(TREE)]
    assert [entry.info.size for entry in entries] == [len(name.encode()) for name in sorted(TREE)]
    assert [entry.name for entry in tree.dir("sub").list()] == ["c.csv", "deep/d.csv"]


def test_a_shallow_list_tells_folders(tree):
    assert [(entry.name, entry.info is None) for entry in tree.list(shallow=True)] == [
        ("a.csv", False),
        ("b.txt", False),
        ("sub/", True),
        ("sub2/", True),
        ("ü ?*.csv", False),
    ]


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*.csv", ["a.csv", "ü ?*.csv"]),
        ("**/*.csv", ["a.csv", "sub/c.csv", "sub/deep/d.csv", "sub2/[x].csv", "ü ?*.csv"]),
        ("sub*/*", ["sub/c.csv", "sub2/[x].csv"]),
        ("sub/**", ["sub/c.csv", "sub/deep/d.csv"]),
        ("su[a-b]2/?x].csv", ["sub2/[x].csv"]),
        ("[!a]*", ["b.txt", "ü ?*.csv"]),
        ("a.csv", ["a.csv"]),
        ("none*", []),
    ],
)
def test_a_glob_chooses_names(tree, glob, names):
    assert [entry.name for entry in tree.list(glob=glob)] == names


def test_a_glob_of_a_shallow_list_chooses_folders_too(tree):
    assert [entry.name for entry in tree.list(glob="su*", shallow=True)] == ["sub/", "sub2/"]


def test_the_store_is_asked_for_what_a_glob_starts_with_and_no_deeper_than_it_goes(tree, root, monkeypatch):
    asked, listed = [], tree.store.list

    def noted(prefix, *, shallow=False, after=""):
        asked.append((prefix.removeprefix(tree.key), shallow))
        return listed(prefix, shallow=shallow, after=after)

    monkeypatch.setattr(tree.store, "list", noted)
    for glob in ("sub/c*.csv", "sub/**", "s*/c.csv", "*"):
        list(tree.list(glob=glob))
    assert asked == [("sub/c", True), ("sub/", False), ("s", False), ("", True)]


def test_a_directory_is_there_while_an_object_is_in_it(tree, client, root):
    assert client.dir(f"{root}sub").exists()
    assert client.dir(f"{root}sub/").uri == client.dir(f"{root}sub").uri == tree.dir("sub").uri == f"{root}sub/"
    assert not tree.dir("su").exists()
    assert not client.dir(f"{root}none").exists()
    assert tree.dir("sub").delete() == 2
    assert not tree.dir("sub").exists()
    assert [entry.name for entry in tree.list()] == ["a.csv", "b.txt", "sub2/[x].csv", "ü ?*.csv"]


def test_the_whole_of_a_store_is_not_deleted(client):
    for uri in ("memory://whole", "memory://whole/", "file:///"):
        with pytest.raises(InvalidSpec, match="is a whole store: name a folder"):
            client.dir(uri).delete()
