"""Two thousand objects into real servers and back."""

import pytest

from cloudlayer.storage.bulk import Tree, delete_tree, sync
from tests.storage.bulk.contents import in_folder
from tests.storage.servers_others import hdfs, swift  # noqa: F401

NUMBER = 2000
PLACES = {"swift's S3 API": ("swift", "fresh_s3"), "hdfs": ("hdfs", "fresh"), "webhdfs": ("hdfs", "fresh_web")}


@pytest.fixture(params=PLACES)
def server_tree(request):
    name, fresh = PLACES[request.param]
    place = getattr(request.getfixturevalue(name), fresh)()
    return Tree.at(place.connect(), "some/place")


@pytest.mark.objects
@pytest.mark.timeout(600)
def test_two_thousand_go_there_and_back_and_are_deleted(server_tree, files, tmp_path):
    source, back = tmp_path / "many", tmp_path / "back"
    for number in range(NUMBER):
        path = source / f"{number % 20:02}" / f"{number} #é+.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d " % number * (number % 40))
    here, there = Tree.at(files, str(source)[1:]), Tree.at(files, str(back)[1:])
    first, again = sync(here, server_tree), sync(here, server_tree)
    assert (first.copied, first.failures, again.copied, again.kept) == (NUMBER, [], 0, NUMBER)
    first, again = sync(server_tree, there), sync(server_tree, there)
    assert (first.copied, first.failures, again.copied, again.kept) == (NUMBER, [], 0, NUMBER)
    assert in_folder(source) == in_folder(back)
    assert delete_tree(server_tree).deleted == NUMBER
