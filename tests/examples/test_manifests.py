from pathlib import Path

import pytest

from cloudlayer.functions.manifest import load_manifest
from cloudlayer.runtime.worker.function import find_module
from tests.examples.conftest import EXAMPLES

MANIFESTS = sorted(EXAMPLES.glob("*/fleet.toml"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_every_manifest_is_whole_and_its_functions_can_be_found(path):
    manifest = load_manifest(path)
    assert manifest.fleet.name == path.parent.name
    assert manifest.fleet.providers == ("local",)
    for function in manifest.function:
        assert find_module(Path(function.source))


def test_both_examples_are_there():
    assert [path.parent.name for path in MANIFESTS] == ["digits", "sentiment"]


def test_the_sentiment_fleet_shows_a_replica_at_once_and_both_functions_fit_on_a_small_host():
    manifest = load_manifest(EXAMPLES / "sentiment" / "fleet.toml")
    scorer, splitter = manifest.of("nlp/SentimentAnalysis/1.0.4"), manifest.of("nlp/Sentences/0.1.0")
    assert scorer.scale.min == 1
    assert list(splitter.calls) == ["nlp/SentimentAnalysis"]
    assert sum(spec.resources.cpu * spec.scale.max for spec in (scorer, splitter)) <= 2
