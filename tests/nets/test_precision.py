from pathlib import Path

import pytest
import torch

from soleus.errors import UserError
from soleus.nets import precision


@pytest.mark.parametrize(
    ("asked", "images", "native", "expected", "warns"),
    [
        ("auto", True, True, torch.bfloat16, False),
        ("auto", False, True, torch.float32, False),
        ("auto", True, False, torch.float32, False),
        ("float32", True, True, torch.float32, False),
        ("bfloat16", False, True, torch.bfloat16, False),
        ("bfloat16", True, False, torch.bfloat16, True),
    ],
)
def test_bfloat16_is_for_images_where_the_processor_has_it(
    asked: str, images: bool, native: bool, expected: torch.dtype, warns: bool, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(precision, "computes_bfloat16", lambda: native)
    assert precision.effective_precision(asked, images) is expected
    assert ("no instructions for it" in capsys.readouterr().err) == warns


def test_an_unknown_precision_is_an_error() -> None:
    with pytest.raises(UserError, match=r"expected a precision of auto, float32, bfloat16, got 'float16'"):
        precision.effective_precision("float16", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("flags\t\t: fpu avx512_bf16 avx2\n", True), ("flags : amx_bf16\n", True), ("flags : avx2 bf16\n", False)],
)
def test_an_older_torch_leaves_the_question_to_linux(
    text: str, expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{text}")
    assert precision.computes_bfloat16(tmp_path / "cpuinfo") is expected
    assert not precision.computes_bfloat16(tmp_path / "missing")


def test_the_allocator_is_tuned_where_it_is_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision.platform, "libc_ver", lambda: ("", ""))
    assert not precision.tune_allocator()
