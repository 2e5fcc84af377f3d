"""Everything that is there: documents by their links, and who names whom."""

from tests.fakes.gce.errors import GceError, not_found, not_ready

MAKING = "making"
LEAVING = "leaving"


class Store:
    """Documents by collection and Link. What is being made or deleted is here as well, and marked so."""

    def __init__(self):
        self._documents = {}
        self._marks = {}
        self._references = {}

    def names(self, word, references):
        """The resources of a collection name others by these fields."""
        self._references[word] = references

    def of(self, word):
        """All of a collection, as (link, document) pairs."""
        return list(self._documents.get(word, {}).items())

    def live(self, word):
        """The same without what is being deleted."""
        return [(link, document) for link, document in self.of(word) if self._marks.get(link) != LEAVING]

    def get(self, link):
        """The document at a link; None if there is none."""
        return self._documents.get(link.collection, {}).get(link)

    def found(self, link):
        """The document at a link, and the link itself: what stands for the name in requests may be the numeric id."""
        document = self.get(link)
        if document is None and link.name.isdigit():
            for other, one in self.of(link.collection):
                if other[:2] == link[:2] and one.get("id") == link.name:
                    return other, one
        if document is None:
            raise not_found(link.path)
        return link, document

    def there(self, link):
        """Whether something that can be used is at a link; what is on its way in or out is refused."""
        if self.get(link) is None:
            return False
        self.check_ready(link)
        return True

    def check_ready(self, link):
        """Refuse what is being made or deleted."""
        if link in self._marks:
            raise not_ready(link.path)

    def put(self, link, document, mark=None):
        """Keep a document; with a mark if it is not ready yet."""
        self._documents.setdefault(link.collection, {})[link] = document
        if mark:
            self._marks[link] = mark

    def ready(self, link):
        """What was being made is there."""
        self._marks.pop(link, None)

    def leave(self, link):
        """A thing is on its way out."""
        self._marks[link] = LEAVING

    def is_leaving(self, link):
        """Whether a thing is on its way out."""
        return self._marks.get(link) == LEAVING

    def drop(self, link):
        """Forget a document."""
        self._documents.get(link.collection, {}).pop(link, None)
        self._marks.pop(link, None)

    def users(self, link):
        """The links of what names this one and so keeps it from being deleted."""
        url = link.url
        return [
            other
            for word, references in self._references.items()
            for reference in references
            if reference.holds and link.collection in reference.collections
            for other, document in self.of(word)
            if url in reference.urls(document)
        ]

    def check_unused(self, link):
        """Refuse to delete what another thing uses."""
        for user in self.users(link):
            if user != link:
                raise in_use(link, user)


def in_use(link, user):
    """What GCE says of a thing that another one uses."""
    word = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in link.collection).removesuffix("s")
    message = f"The {word} resource '{link.path}' is already being used by '{user.path}'"
    return GceError("resourceInUseByAnotherResource", message)
