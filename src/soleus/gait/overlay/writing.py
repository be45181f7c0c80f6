"""The files of gaits that are laid over one another: the page, its pictures and its numbers."""

from pathlib import Path
from typing import Any

from soleus.gait.overlay.laying import Overlay
from soleus.gait.writing import write_files


def write_overlay(overlay: Overlay, folder: Path) -> list[Path]:
    """Write all files into a folder; return their paths, the page first. Raises UserError where the disk refuses."""
    from soleus.gait.overlay.page import page

    content, pictures = overlay.as_json(), draw(overlay)
    return write_files(folder, page(content, pictures), content, pictures)


def draw(overlay: Overlay) -> dict[str, Any]:
    """Return the PNGs by name, of those of a report; none of a kind of which the gaits share nothing."""
    from soleus.gait.overlay import figures  # matplotlib is slow to import
    from soleus.gait.writing import png

    drawing = {
        "angles": figures.draw_angles,
        "forces": figures.draw_forces,
        "activations": figures.draw_activations,
        "exoskeleton": figures.draw_exoskeleton,
    }
    return {name: png(draw_one(overlay)) for name, draw_one in drawing.items() if overlay.shared[name]}
