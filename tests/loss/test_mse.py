"""Mean squared error against numpy."""

from inr.loss import mse
from tests.loss.given import draw_case
from tests.tolerance import assert_close


def test_value_and_gradient_follow_the_formula() -> None:
    field, batch = draw_case()
    error = field.values.detach().numpy() - batch.values.numpy()
    loss = mse(field, batch)
    loss.backward()
    assert_close(loss, (error**2).sum() / (9 * 3))
    assert_close(field.values.grad, 2 * error / (9 * 3))
