"""All that a store of objects promises, in one class to inherit from."""

from cloudlayer.testing.objects.asking import AsyncPromises
from cloudlayer.testing.objects.conditions import ConditionPromises
from cloudlayer.testing.objects.copying import CopyingPromises
from cloudlayer.testing.objects.declaring import DeclarationPromises
from cloudlayer.testing.objects.failing import FailingPromises
from cloudlayer.testing.objects.files import FilePromises
from cloudlayer.testing.objects.lending import LendingPromises
from cloudlayer.testing.objects.listing import ListingPromises
from cloudlayer.testing.objects.names import NamePromises
from cloudlayer.testing.objects.parts import PartPromises
from cloudlayer.testing.objects.reading import ReadingPromises
from cloudlayer.testing.objects.writing import WritingPromises

__all__ = ["ObjectConformance"]


class ObjectConformance(
    ReadingPromises,
    WritingPromises,
    ConditionPromises,
    ListingPromises,
    NamePromises,
    CopyingPromises,
    PartPromises,
    LendingPromises,
    DeclarationPromises,
    FailingPromises,
    AsyncPromises,
    FilePromises,
):
    """Inherit, give `name`, `proof` and the fixture `root`, and the others of ObjectPromises where the defaults do not fit."""
