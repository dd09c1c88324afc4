"""Training the last layer alone: kernel, prediction and infinite width agree."""

import pytest
import torch
from torch import Tensor

from inr.encoding import BasicEncoding
from inr.field import Field
from inr.field.infinite_ntk import infinite_ntk_of
from inr.network import MLPNetwork
from inr.ntk import empirical_ntk, predict
from tests.tolerance import assert_close


def draw(n: int, seed: int) -> Tensor:
    return torch.rand(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def make(width: int, seed: int = 0, parameterization: str = "ntk") -> Field:
    torch.manual_seed(seed)
    network = MLPNetwork(
        2,
        1,
        hidden_features=width,
        hidden_layers=2,
        initialization="he",
        parameterization=parameterization,
        trainable="last_layer",
    )
    return Field(BasicEncoding(1), network).double()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_training_follows_the_prediction_at_every_step(momentum: float) -> None:
    field, x, x_test = make(64), draw(8, 0), draw(5, 1)
    y = torch.sin(9 * x)
    kernel, cross = (empirical_ntk(field, *points) for points in ((x,), (x_test, x)))
    start = field(x_test).detach()
    prediction = predict(
        kernel,
        y,
        field(x),
        lr=0.2,
        steps=range(201),
        momentum=momentum,
        K_test=cross,
        f0_test=start,
    )
    assert prediction.num_unstable == 0
    parameters = [p for p in field.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.2, momentum=momentum)
    for step in range(201):
        assert (field(x) - prediction.outputs[step]).abs().max() < 1e-10
        assert (field(x_test) - prediction.test_outputs[step]).abs().max() < 1e-10
        optimizer.zero_grad()
        (field(x) - y).square().mean().backward()
        optimizer.step()
    assert prediction.losses[-1] < 0.5 * prediction.losses[0]


def test_the_wide_limit_of_the_kernel_is_the_covariance_of_the_outputs() -> None:
    """The conjugate kernel, plus the one of the trained bias, which begins at zero."""
    x = draw(6, 0)
    infinite = infinite_ntk_of(make(64), x)
    # He's weights have variance 2/n; a step counts them as 1/n.
    assert_close(infinite.ntk, infinite.nngp / 2 + 1)
    errors = []
    for width in (64, 1024):
        kernels = torch.stack([empirical_ntk(make(width, seed), x) for seed in range(8)])
        errors.append(((kernels - infinite.ntk).norm() / infinite.ntk.norm()).item() / 8**0.5)
    assert errors[1] < 0.05
    # The root of 16 is 4.
    assert 2.5 < errors[0] / errors[1] < 6.5
