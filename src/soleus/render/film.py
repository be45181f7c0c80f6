"""Frames as files: MP4 (H.264, by PyAV), GIF and PNG (by Pillow)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soleus.errors import UserError

if TYPE_CHECKING:  # a training starts films, and should not wait for MuJoCo
    from soleus.render.painter import Image

SUFFIXES = (".mp4", ".gif", ".png")


def check_file(path: Path) -> None:
    """Raise UserError for a file that no film can be written to, before the frames are made."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"--out: expected a file ending in {', '.join(SUFFIXES)}, got {path}")
    if not path.parent.is_dir():
        raise UserError(f"--out: expected a file in an existing folder, got the folder {path.parent}")
    if path.is_dir():
        raise UserError(f"--out: expected a file, got the folder {path}")
    if path.suffix.lower() == ".mp4":
        require_av()


def unfinished(path: Path) -> Path:
    """Where a film is while it is being made."""
    return path.with_name(f".{path.name}.tmp")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file that takes the place of `path` once it is whole. Raises UserError where the disk refuses."""
    temporary = unfinished(path)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: could not be written ({error.strerror or error})") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_film(path: Path, frames: "Iterator[Image]", fps: float) -> int:
    """Write frames (H, W, 3) to an .mp4 or .gif file; return how many. Raises UserError where the disk refuses."""
    with _whole(path) as temporary:
        return (_write_mp4 if path.suffix.lower() == ".mp4" else _write_gif)(temporary, frames, fps)


def write_strip(path: Path, frames: "Sequence[Image]") -> None:
    """Write frames side by side into a .png file. Raises UserError where the disk refuses."""
    from PIL import Image as Pillow

    with _whole(path) as temporary:
        Pillow.fromarray(np.concatenate(frames, axis=1)).save(temporary, format="PNG")


def require_av() -> Any:
    """Return PyAV, which .mp4 files need; raises UserError where it is missing."""
    try:
        import av
    except ImportError:
        raise UserError("an .mp4 file needs PyAV, got none: pip install 'soleus[view]', or record a .gif") from None
    return av


def _write_mp4(path: Path, frames: "Iterator[Image]", fps: float) -> int:
    av = require_av()
    count = 0
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.pix_fmt = "yuv420p"  # what browsers play
        stream.options = {"crf": "20", "preset": "veryfast", "threads": "1"}
        for image in frames:
            if not count:
                stream.height, stream.width = image.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count


def _write_gif(path: Path, frames: "Iterator[Image]", fps: float) -> int:
    from PIL import Image as Pillow

    images = [Pillow.fromarray(image).quantize(128, method=Pillow.Quantize.FASTOCTREE) for image in frames]
    images[0].save(path, format="GIF", save_all=True, append_images=images[1:], duration=1000 / fps, loop=0)
    return len(images)
