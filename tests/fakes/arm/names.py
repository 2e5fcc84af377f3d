"""What names and tags may be, after Azure's naming rules and its limits of tags."""

import re

from tests.fakes.arm.errors import Refusal

NETWORK = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?", re.ASCII)
DISK = re.compile(r"[A-Za-z0-9_][\w.-]{0,79}", re.ASCII)
MACHINE = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,62}\w)?", re.ASCII)
MOST_TAGS = 50
LONGEST_NAME = 512
LONGEST_VALUE = 256
UNFIT = frozenset("<>%&\\?/")


def check_name(pattern, name):
    """Refuse a name that its type cannot have."""
    if not pattern.fullmatch(name):
        raise Refusal("InvalidResourceName", f"Resource name {name} is invalid.")


def check_tags(tags):
    """Refuse tags that no resource can have."""
    if len(tags) > MOST_TAGS:
        raise Refusal("TooManyTags", f"The resource has {len(tags)} tags. The maximum is {MOST_TAGS}.")
    for name, value in tags.items():
        if not 0 < len(name) <= LONGEST_NAME:
            raise Refusal("InvalidTagNameLength", f"The tag name '{name[:20]}...' has more than {LONGEST_NAME} characters.")
        if len(value) > LONGEST_VALUE:
            raise Refusal("InvalidTagValueLength", f"The value of tag '{name}' has more than {LONGEST_VALUE} characters.")
        if UNFIT & set(name):
            raise Refusal(
                "InvalidTagNameCharacters", f"The tag name '{name}' has one of the characters {''.join(sorted(UNFIT))}."
            )
