"""How alike the timing of muscles is to people's electromyography."""

from collections.abc import Mapping

from soleus.gait.curves import Curve
from soleus.gait.electromyography import GROUPS, acting, overlap
from soleus.gait.likeness.yardstick import Kind, Yardstick, alike, correlation, over_sides


def yardsticks(groups: Mapping[str, Curve]) -> list[Yardstick]:
    """Return those of mean activations by group: their shape, and of the time that either acts the share that both do.

    Only timing is compared: how much of a muscle electromyography sees depends on the electrode.
    """
    found = []
    for group in GROUPS:
        sides = groups[group.key].sides.values() if group.key in groups else ()
        means = [side.mean for side in sides]
        envelope, on = group.envelope, group.acting
        kind = Kind(f"{group.key}_r", "muscles", f"{group.label}: correlation", "", group.envelope_source)
        found.append(alike(kind, over_sides(correlation(mean, envelope) for mean in means)))
        kind = Kind(f"{group.key}_overlap", "muscles", f"{group.label}: overlap", "", group.times_source)
        found.append(alike(kind, over_sides(overlap(acting(mean), on) for mean in means)))
    return found
