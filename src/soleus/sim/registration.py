"""Makes every preset of a human known to gymnasium.make, without loading what only environments need."""

import functools
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@functools.cache
def register() -> None:
    """Register every preset of a human as "soleus/<preset>-v0", once."""
    import gymnasium

    from soleus.config import is_of_env, names

    for name in names("presets"):
        if (known := f"soleus/{name}-v0") not in gymnasium.registry and not is_of_env(name):
            gymnasium.register(
                known,
                entry_point="soleus.sim.human_env:HumanEnv",
                vector_entry_point="soleus.sim.gymnasium:make_vec",
                kwargs={"name": name},
            )


def register_with_gymnasium() -> None:
    """Register as soon as this process imports Gymnasium, or now where it has.

    Gymnasium looks for nobody's environments by itself, and importing it takes longer than all else that `import
    soleus` does.
    """
    if "gymnasium" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _WhenImported())


class _WhenImported(MetaPathFinder):
    """Finds Gymnasium as everybody would, once, and registers when it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of Gymnasium; of other modules none."""
        if fullname != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_register(module: ModuleType) -> None:
                load(module)
                register()

            spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec
