"""Mutants that break what lists promise."""

from dataclasses import replace

from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import WorldStore


class ListsOtherwise(WorldStore):
    """Gives other pages than there are."""

    def change(self, pages, prefix):
        return pages

    def list(self, prefix="", *, shallow=False, after=""):
        yield from self.change([*super().list(prefix, shallow=shallow, after=after)], prefix)


@breaks("a_list_has_every_object_once")
class ListsTwice(ListsOtherwise):
    def change(self, pages, prefix):
        return pages + pages


@breaks("a_list_has_every_object_once")
class ListsOtherEtags(ListsOtherwise):
    def change(self, pages, prefix):
        return [replace(page, objects=tuple(replace(item, etag="other") for item in page.objects)) for page in pages]


@breaks("a_list_is_in_the_order_of_bytes")
class ListsAsUtf16Does(ListsOtherwise):
    def change(self, pages, prefix):
        order = sorted((item for page in pages for item in page.objects), key=lambda item: item.key.encode("utf-16-be"))
        return [replace(pages[0], objects=tuple(order))] if pages else []


@breaks("a_list_is_in_the_order_of_bytes")
class ListsFolderByFolder(ListsOtherwise):
    def change(self, pages, prefix):
        order = sorted((item for page in pages for item in page.objects), key=lambda item: item.key.split("/"))
        return [replace(pages[0], objects=tuple(order))] if pages else []


@breaks("a_directory_is_deleted_with_all_that_is_in_it")
class TakesFoldersForPrefixes(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        yield from super().list(prefix.rstrip("/"), shallow=shallow, after=after)


@breaks("a_prefix_is_a_text")
class TakesPrefixesForFolders(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        yield from super().list(prefix if prefix.endswith("/") else f"{prefix}/", shallow=shallow, after=after)


@breaks("a_prefix_is_a_text")
class LeavesOutThePrefixItself(ListsOtherwise):
    def change(self, pages, prefix):
        return [replace(page, objects=tuple(item for item in page.objects if item.key != prefix)) for page in pages]


@breaks("a_prefix_that_nothing_has_gives_nothing")
class ListsTheNearest(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        pages = [*super().list(prefix, shallow=shallow, after=after)]
        yield from pages or super().list(prefix.rpartition("/")[0], shallow=shallow, after=after)


@breaks("a_shallow_list_tells_folders", "a_directory_is_listed")
class ListsDeep(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        yield from super().list(prefix, after=after)


@breaks("a_shallow_list_tells_folders", "an_empty_folder_name_is_listed")
class CutsTheSlash(ListsOtherwise):
    def change(self, pages, prefix):
        return [replace(page, folders=tuple(folder.rstrip("/") for folder in page.folders)) for page in pages]


@breaks("a_list_starts_after_a_key")
class StartsAtTheKey(ListsOtherwise):
    def list(self, prefix="", *, shallow=False, after=""):
        if after in self.inner._bucket.objects:
            yield from super().list(after)
        yield from super().list(prefix, shallow=shallow, after=after)


@breaks("a_list_starts_after_a_key")
class NeedsTheKeyToBeThere(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        known = after if after in self.inner._bucket.objects else ""
        yield from super().list(prefix, shallow=shallow, after=known)


@breaks("a_list_sees_what_was_just_put_and_not_what_was_deleted")
class ListsWhatItKnows(WorldStore):
    known = None

    def list(self, prefix="", *, shallow=False, after=""):
        if self.known is None:
            self.known = [*super().list(prefix, shallow=shallow, after=after)]
        yield from self.known


@breaks("a_list_goes_on_while_its_objects_are_deleted")
class CountsItsPages(WorldStore):
    def list(self, prefix="", *, shallow=False, after=""):
        at = 0
        while keys := [key for key in self.inner._bucket.keys if key.startswith(prefix)][at : at + 5]:
            for page in super().list(prefix, shallow=shallow, after=after):
                yield replace(page, objects=tuple(item for item in page.objects if item.key in keys))
            at += 5
