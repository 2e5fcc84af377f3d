"""`cloudlayer iam`: the least permissions that a provider needs, in its own form. Needs neither its SDK nor credentials."""

from __future__ import annotations

import json as documents
from typing import Annotated, Any

import typer

from cloudlayer.cli import options
from cloudlayer.cli.output import note, print_json
from cloudlayer.providers import registry

app = options.application()


@app.command()
def iam(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider or a profile, such as aws.")],
    json: options.Json = False,
) -> None:
    """Print the least permissions that a provider needs, as its own console or command takes them."""
    policy = registry.policy(provider)
    if json:
        print_json({"provider": provider, "policy": _parsed(policy)})
    elif policy is None:
        note(f"{provider} needs no permissions: there are none to give")
    else:
        print(policy)


def _parsed(policy: str | None) -> Any:
    """As data where it is JSON, else as the text that it is."""
    try:
        return None if policy is None else documents.loads(policy)
    except ValueError:
        return policy
