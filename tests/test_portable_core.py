"""Which of a portable build's cores a processor gets."""

from pathlib import Path
from types import ModuleType

import pytest

from loose_module import load_module
from soleus.errors import UserError

FILE = Path(__file__).parents[1] / "cpp/portable/_core.py"
V3 = "avx avx2 bmi1 bmi2 f16c fma abm movbe"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.fixture(scope="module")
def choice() -> ModuleType:
    return load_module(FILE)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (V4, "x86-64-v4"),
        (f"{V4} avx512_bf16 amx_tile", "x86-64-v4"),
        (V3, "x86-64-v3"),
        (V4.replace(" avx512vl", ""), "x86-64-v3"),
        (f"{V3} avx512f avx512cd avx512er avx512pf", "x86-64-v3"),
    ],
)
def test_a_processor_gets_the_widest_core_that_it_can_run(
    choice: ModuleType, tmp_path: Path, flags: str, expected: str
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        f"processor\t: 0\nmodel name\t: one\nflags\t\t: fpu sse2 {flags}\n\nprocessor\t: 1\nflags\t: fpu\n"
    )
    assert choice.widest(choice.features(cpuinfo)) == expected


@pytest.mark.parametrize(("flags", "lacks"), [("avx avx2 f16c fma", "abm, bmi1, bmi2, movbe"), ("", "abm, avx, avx2,")])
def test_a_processor_that_can_run_none_is_told_what_it_lacks(choice: ModuleType, flags: str, lacks: str) -> None:
    with pytest.raises(UserError, match=f"expected a processor of x86-64-v3 .*, got one without {lacks}") as raised:
        choice.widest(set(flags.split()))
    assert "\n" not in str(raised.value)


def test_a_system_that_tells_no_features_has_none(choice: ModuleType, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\n")
    assert choice.features(cpuinfo) == set()
