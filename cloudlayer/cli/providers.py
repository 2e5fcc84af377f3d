"""`cloudlayer providers`: what is installed, and what each can do or why it cannot."""

from __future__ import annotations

from cloudlayer.cli import options
from cloudlayer.cli.connections import ask_all
from cloudlayer.cli.output import plain, print_json, print_table
from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Capabilities, Provider
from cloudlayer.providers import registry

app = options.application()


@app.command()
def providers(provider: options.Providers = None, json: options.Json = False) -> None:
    """List the installed providers and what each of them can do, with the reason where it cannot."""
    answers = ask_all(provider or registry.known_names(), _describe)
    if json:
        print_json([_document(name, answer) for name, answer in answers.items()])
        return
    rows = [row for name, answer in answers.items() for row in _rows(name, answer)]
    print_table(["PROVIDER", "REGION", "CAPABILITY", "", "WHY NOT"], rows, empty="no provider is installed")


def _describe(provider: Provider) -> tuple[str, Capabilities]:
    return provider.region, provider.capabilities


def _document(name: str, answer: tuple[str, Capabilities] | CloudLayerError) -> dict[str, object]:
    if isinstance(answer, CloudLayerError):
        return {"provider": name, "region": None, "error": str(answer), "capabilities": {}}
    region, capabilities = answer
    return {"provider": name, "region": region, "error": None, "capabilities": plain(capabilities.items)}


def _rows(name: str, answer: tuple[str, Capabilities] | CloudLayerError) -> list[tuple[str, ...]]:
    if isinstance(answer, CloudLayerError):
        return [(name, "", "", "no", str(answer))]
    region, capabilities = answer
    return [
        (name, region, capability, "yes" if found else "no", found.reason)
        for capability, found in sorted(capabilities.items.items())
    ]
