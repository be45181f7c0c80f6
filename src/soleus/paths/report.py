"""How far fitted paths are off, as a table, a picture and data."""

import io
import json
from dataclasses import asdict

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from soleus.paths.fit import FittedPaths, MuscleFit

_KINDS = {"whole": "tab:blue", "reference": "tab:orange"}


def table(paths: FittedPaths) -> str:
    """Return a line for each muscle, then how many are fitted and how far they are off."""
    width = max((len(one.name) for one in paths.muscles), default=6)
    lines = [f"{'muscle':{width}}  {'path':9}  degree  terms  length mm  moment mm  worst mm  coordinates or reason"]
    for one in paths.muscles:
        said = f"{', '.join(one.coordinates)}{f': {one.reason}' if one.reason else ''}"
        if not one.terms:
            lines.append(f"{one.name:{width}}  {one.kind:9}  {'':6}  {'':5}  {'':9}  {'':9}  {'':8}  {said}")
            continue
        errors = f"{one.length * 1e3:9.3f}  {one.moment * 1e3:9.3f}  {one.worst * 1e3:8.2f}"
        lines.append(f"{one.name:{width}}  {one.kind:9}  {one.degree:6}  {one.terms:5}  {errors}  {said}")
    return "\n".join([*lines, "", f"paths: {paths}", *_summary(paths)])


def _summary(paths: FittedPaths) -> list[str]:
    fitted = _fitted(paths)
    if not fitted:
        return []
    lengths, moments, worst = (np.array([getattr(one, name) for one in fitted]) * 1e3 for name in _ERRORS)
    return [
        f"errors of the fitted: length {np.median(lengths):.3f} mm (median), {lengths.max():.3f} mm (greatest); moment"
        f" arm {np.median(moments):.3f} mm, {moments.max():.3f} mm; at any pose {worst.max():.2f} mm;"
        f" {sum(one.terms for one in fitted):,} terms"
    ]


_ERRORS = {"length": "length, RMS [mm]", "moment": "moment arm, RMS [mm]", "worst": "greatest of both [mm]"}


def _fitted(paths: FittedPaths) -> list[MuscleFit]:
    return [one for one in paths.muscles if one.kind != "exact"]


def as_json(paths: FittedPaths) -> str:
    """Return the figures of all muscles, errors in metres; null where there are none."""
    rows = [{k: None if v != v else v for k, v in asdict(one).items()} for one in paths.muscles]
    return json.dumps({"muscles": rows, "fitted": len(_fitted(paths))}, indent=2)


def draw(paths: FittedPaths, subject: str) -> bytes:
    """Return a picture (PNG) of the errors of the fitted muscles, each by a dot, from the least to the greatest."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    fitted = _fitted(paths)
    for axes, (name, label) in zip(figure.subplots(1, 3), _ERRORS.items(), strict=True):
        ordered = sorted(fitted, key=lambda one: float(getattr(one, name)))
        for kind, colour in _KINDS.items():
            at = [i for i, one in enumerate(ordered) if one.kind == kind]
            errors = [getattr(ordered[i], name) * 1e3 for i in at]
            axes.plot(at, errors, ".", color=colour, label=f"fitted, {_WORDS[kind]}")
        for i in range(max(0, len(ordered) - 3), len(ordered)):
            axes.annotate(ordered[i].name, (i, getattr(ordered[i], name) * 1e3), fontsize=7, ha="right")
        axes.set(ylabel=label, xlabel="muscles, by error")
        axes.set_ylim(bottom=0)
    figure.axes[0].legend(fontsize=8)
    figure.suptitle(f"{subject}: {len(fitted)} of {len(paths.muscles)} muscles fitted")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


_WORDS = {"whole": "over the whole range", "reference": "near the motion"}
