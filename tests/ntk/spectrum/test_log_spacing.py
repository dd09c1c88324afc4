"""Log-spaced whole numbers against their definition."""

import pytest

from inr.ntk import log_spaced


@pytest.mark.parametrize("last", [2, 37, 1000, 123_456])
@pytest.mark.parametrize("count", [2, 7, 50])
def test_numbers_are_rounded_powers_without_duplicates(last: int, count: int) -> None:
    powers = {round(last ** (i / (count - 1))) for i in range(count)}
    assert log_spaced(last, count).tolist() == sorted(powers)


def test_one_alone_is_one() -> None:
    assert log_spaced(1, 5).tolist() == [1]
