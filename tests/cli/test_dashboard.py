"""TensorBoard's page has a chart for what a run logs, and none that is empty."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from inr.cli.build import build_parts
from inr.cli.compose import compose_config
from inr.cli.dashboard import make_layout
from tests.callback.events import read_events
from tests.conftest import SAMPLE, TINY

THEORY = ["callback=theory", "optimizer=sgd", "sampler.batch_size=null", "signal.size=[8,6]"]
ADAPTED = ["callback.ntk_spectrum.preconditioned=true", "optimizer=adam"]


@pytest.mark.parametrize("overrides", [[], THEORY, ADAPTED], ids=["default", "theory", "adapted"])
def test_no_chart_is_empty(overrides: Sequence[str], fit: Callable[..., Path]) -> None:
    folder = fit(*overrides)
    parts = build_parts(compose_config([f"signal.path={SAMPLE}", *TINY, *overrides]))
    layout = make_layout(parts.callbacks, parts.signal)
    tags = read_events(folder).Tags()["scalars"]
    assert layout
    for group, charts in layout.items():
        for title, (kind, (pattern,)) in charts.items():
            assert kind == "Multiline"
            assert any(re.search(pattern, tag) for tag in tags), (group, title)


def test_how_well_it_fits_comes_first(fit: Callable[..., Path]) -> None:
    parts = build_parts(compose_config([f"signal.path={SAMPLE}", *TINY]))
    layout = make_layout(parts.callbacks, parts.signal)
    assert list(layout)[:3] == ["Fit", "Spectral bias", "Tangent kernel"]
    assert next(iter(layout["Fit"])) == "PSNR (dB)"
