"""Models and other large files that a function's replicas read: objects by URI, fetched to each machine once.

models = ["blob://models/faces.onnx"]                                   # CLOUDLAYER_MODELS/faces.onnx
models = [{ uri = "s3://team/v7/weights.bin", name = "weights.bin" }]   # under a name of one's own
models = ["blob://models/tokenizer/"]                                   # all that is below it, in a folder of its name
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Spec
from cloudlayer.storage.uri import parse, shown

_MARKS: Final = ("..", ".", "")


def _uri(text: str) -> str:
    if shown(text) != text:
        raise ValueError(f"{shown(text)}: a query may be a signature, and a manifest is kept: name the object by its store")
    try:
        return str(parse(text))
    except InvalidSpec as error:
        raise ValueError(str(error)) from None


def _name(text: str) -> str:
    if text.startswith("/") or any(part in _MARKS for part in text.split("/")) or not text.isprintable():
        raise ValueError(f'"{text}" is no name of a file below a folder: write it as in "weights.bin" or "v7/weights.bin"')
    return text


class ModelFile(Spec):
    """One object, or all below a folder where `uri` ends in "/"; replicas find it as `name` in the folder CLOUDLAYER_MODELS.

    `etag`, `size` (bytes) and `crc32c` are what it was when it was deployed; replicas get that very object, or none.
    """

    uri: Annotated[str, AfterValidator(_uri)]
    name: Annotated[str, AfterValidator(_name)]
    etag: str | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    crc32c: Annotated[int, Field(ge=0, lt=2**32)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"uri": value}
        if isinstance(value, dict) and "name" not in value and isinstance(uri := value.get("uri"), str):
            return {**value, "name": uri.rstrip("/").rpartition("/")[2]}
        return value

    @property
    def is_folder(self) -> bool:
        """Whether it stands for all that is below it."""
        return self.uri.endswith("/")


def apart(models: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
    """The same models; ValueError if one would lie where another does, or below it."""
    paths = [PurePosixPath(model.name) for model in models]
    for number, path in enumerate(paths):
        if clash := next((other for other in paths[:number] if other in (path, *path.parents) or path in other.parents), None):
            raise ValueError(f'"{path}" and "{clash}" are in one another\'s place: give one of them a `name` of its own')
    return models


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


Models = Annotated[tuple[ModelFile, ...], Strict(False), BeforeValidator(_listed), AfterValidator(apart)]
"""Models of a function, by names that do not clash."""
