"""Muscles of a MASS file as polylines, in NumPy: where the waypoints go, how they pull, what tension a length makes."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

BLEND_WITHIN = 0.08  # metres from the nearest joint centre


def numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])


class Polylines:
    """The w waypoints of m muscles on b bodies.

    A waypoint is one entry, rigid on a body, or two, blended between a body and its parent. Entries of a waypoint stand
    together, that of its first body first.
    """

    def __init__(self, path: Path, bodies: list[str], parents: list[int], centres: np.ndarray, rest: np.ndarray):
        """bodies: names, parents before children; parents: index of each one's, -1 at the root.

        centres: (b, 3) joint centres; rest: (b, 4, 4) body transforms; both in the world at the T-pose, metres.
        """
        units = ElementTree.parse(path).getroot().findall("Unit")
        self.names = [unit.get("name") for unit in units]
        self.f0, self.lm, self.lt = (np.array([float(unit.get(key)) for unit in units]) for key in ("f0", "lm", "lt"))
        owner, entries, places = [], [], []  # entries: (waypoint, body, weight)
        for m, unit in enumerate(units):
            waypoints = unit.findall("Waypoint")
            for k, waypoint in enumerate(waypoints):
                place, named = numbers(waypoint.get("p")), bodies.index(waypoint.get("body"))
                end = k in (0, len(waypoints) - 1)
                blend = [(named, 1.0)] if end else self.blend(place, named, parents, centres)
                entries += [(len(owner), body, weight) for body, weight in blend]
                places += [place] * len(blend)
                owner.append(m)
        self.owner = np.array(owner)  # (w,) the muscle of each waypoint
        self.waypoint, self.body = (np.array([entry[i] for entry in entries]) for i in (0, 1))
        self.weight = np.array([entry[2] for entry in entries])
        self.first = self.body[np.unique(self.waypoint, return_index=True)[1]]  # (w,)
        inverse = np.linalg.inv(rest)[self.body]
        self.local = np.einsum("eij,ej->ei", inverse[:, :3, :3], np.array(places)) + inverse[:, :3, 3]
        self.start = np.flatnonzero(
            self.owner[1:] == self.owner[:-1]
        )  # (segments,) a segment goes to the next waypoint
        self.rest_length = self.path_lengths(rest)

    def stretch(self, bodies: np.ndarray, rest: np.ndarray) -> None:
        """Stretch the bodies that carry the waypoints, (b, 3, 3); rest: their transforms at the T-pose then.

        Rest lengths are those of the longer paths, and the greatest force grows with the power 1.5 of these.
        """
        self.local = np.einsum("eij,ej->ei", bodies[self.body], self.local)
        longer = self.path_lengths(rest)
        self.f0 = self.f0 * (longer / self.rest_length) ** 1.5
        self.rest_length = longer

    @staticmethod
    def blend(place: np.ndarray, named: int, parents: list[int], centres: np.ndarray) -> list[tuple[int, float]]:
        """The bodies of an interior waypoint, the first one first, with their weights."""
        distance = np.linalg.norm(centres - place, axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] >= BLEND_WITHIN:
            return [(named, 1.0)]
        if parents[nearest] < 0:
            return [(nearest, 1.0)]
        pair = [nearest, parents[nearest]]
        weight = 1 / np.sqrt(distance[pair])
        return list(zip(pair, weight / weight.sum(), strict=True))

    def entry_points(self, transforms: np.ndarray) -> np.ndarray:
        """(entries, 3) where each entry's own body carries the waypoint, in the world, metres."""
        of_entry = transforms[self.body]
        return np.einsum("eij,ej->ei", of_entry[:, :3, :3], self.local) + of_entry[:, :3, 3]

    def points(self, transforms: np.ndarray) -> np.ndarray:
        """(w, 3) waypoints in the world, metres, at body transforms (b, 4, 4)."""
        points = np.zeros((len(self.owner), 3))
        np.add.at(points, self.waypoint, self.weight[:, None] * self.entry_points(transforms))
        return points

    def path_lengths(self, transforms: np.ndarray) -> np.ndarray:
        """(m,) metres."""
        points = self.points(transforms)
        segments = np.linalg.norm(points[self.start + 1] - points[self.start], axis=1)
        return np.bincount(self.owner[self.start], segments, len(self.names))

    def pulls(self, transforms: np.ndarray) -> np.ndarray:
        """(w, 3) force on each waypoint of a muscle under 1 N: along both its segments, in the world."""
        points = self.points(transforms)
        along = points[self.start + 1] - points[self.start]
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        pulls = np.zeros_like(points)
        pulls[self.start] += along
        pulls[self.start + 1] -= along
        return pulls

    def wrenches(self, transforms: np.ndarray, spread: bool) -> np.ndarray:
        """(b, m, 6) of each muscle under 1 N on each body: torque about the body's origin and force, in the world.

        Not spread, as the format has it: all of a waypoint's force on its first body, at the waypoint. Spread: on each
        of its bodies by weight, each at its own point, which is what the path's length says of energy.
        """
        pulls = self.pulls(transforms)
        if spread:
            body, muscle = self.body, self.owner[self.waypoint]
            force, place = self.weight[:, None] * pulls[self.waypoint], self.entry_points(transforms)
        else:
            body, muscle, force, place = self.first, self.owner, pulls, self.points(transforms)
        torque = np.cross(place - transforms[body, :3, 3], force)
        wrenches = np.zeros((len(transforms), len(self.names), 6))
        np.add.at(wrenches, (body, muscle), np.concatenate([torque, force], axis=1))
        return wrenches

    def lengths(self, transforms: np.ndarray) -> np.ndarray:
        """(m,) path lengths over those of the T-pose."""
        return self.path_lengths(transforms) / self.rest_length

    def fibre_lengths(self, transforms: np.ndarray) -> np.ndarray:
        """(m,) fibre lengths over the optimal ones."""
        return (self.lengths(transforms) - self.lt) / self.lm

    def active_tensions(self, transforms: np.ndarray) -> np.ndarray:
        """(m,) newtons at activation 1, without the passive part."""
        return self.f0 * np.exp(-((self.fibre_lengths(transforms) - 1) ** 2) / 0.5)

    def passive_tensions(self, transforms: np.ndarray) -> np.ndarray:
        """(m,) newtons."""
        stretch = self.fibre_lengths(transforms) - 1
        return np.where(stretch < 0, 0.0, self.f0 * np.expm1(4 * stretch / 0.6) / np.expm1(4.0))
