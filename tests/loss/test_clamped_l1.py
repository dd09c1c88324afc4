"""Clamped absolute errors against numpy."""

import numpy as np
import pytest

from inr.loss import clamped_l1, target_kind_of
from tests.loss.given import draw_case, make_case
from tests.tolerance import assert_close


@pytest.mark.parametrize("delta", [0.1, 0.7])
def test_errors_are_of_clipped_values(delta: float) -> None:
    field, batch = draw_case()
    f, y = field.values.detach().numpy(), batch.values.numpy()
    loss = clamped_l1(field, batch, delta=delta)
    loss.backward()
    clipped = np.clip(f, -delta, delta) - np.clip(y, -delta, delta)
    assert_close(loss, np.abs(clipped).mean())
    assert_close(field.values.grad, np.where(np.abs(f) <= delta, np.sign(clipped), 0) / (9 * 3))


def test_beyond_a_tenth_all_is_alike_by_default() -> None:
    assert_close(clamped_l1(*make_case([0.5, -0.2], [0.15, -3.0])), 0.0)
    assert_close(clamped_l1(*make_case([0.05], [3.0])), 0.05)


def test_it_is_for_values_and_rejects_a_width_of_nothing() -> None:
    assert target_kind_of(clamped_l1) == "values"
    with pytest.raises(ValueError, match="delta is 0"):
        clamped_l1(*draw_case(), delta=0.0)
