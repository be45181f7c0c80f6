import io

import pytest

from soleus.run.sparkline import ASCII, BLOCKS, WIDTH, characters, sparkline


def test_a_rise_is_every_height_in_order() -> None:
    assert sparkline(range(8)) == BLOCKS
    assert sparkline(range(7, -1, -1), ASCII) == ASCII[::-1]


@pytest.mark.parametrize("count", [24, 25, 100, 10_007])
def test_a_long_run_has_a_fixed_width(count: int) -> None:
    line = sparkline([float(i) for i in range(count)])
    assert len(line) == WIDTH
    assert list(line) == sorted(line)
    assert (line[0], line[-1]) == (BLOCKS[0], BLOCKS[-1])


def test_a_short_run_has_a_character_a_value() -> None:
    assert sparkline([1.0, 3.0, 2.0]) == "▁█▅"


def test_parts_are_means() -> None:
    assert sparkline([0, 0, 4, 4, 2, 2], width=3) == "▁█▅"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")], [float("inf"), 2.0]])
def test_less_than_two_values_are_no_curve(values: list[float]) -> None:
    assert sparkline(values) == ""


def test_what_does_not_change_is_level() -> None:
    assert sparkline([5.0] * 100) == BLOCKS[4] * WIDTH
    assert sparkline([0.1 + 0.2, 0.3]) == BLOCKS[4] * 2


def test_values_of_any_size() -> None:
    assert sparkline([-1e308, 1e308, 0.0]) == "▁█▅"
    assert sparkline([0.0, 1e-300]) == "▁█"


@pytest.mark.parametrize(
    ("encoding", "heights"), [("utf-8", BLOCKS), ("ascii", ASCII), ("latin-1", ASCII), ("cp437", ASCII)]
)
def test_heights_that_an_encoding_carries(encoding: str, heights: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert characters(stream) == heights
    stream.write(sparkline(range(100), heights))


def test_a_stream_without_an_encoding_carries_text() -> None:
    assert characters(io.StringIO()) == BLOCKS
