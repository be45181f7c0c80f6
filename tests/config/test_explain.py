"""Whatever is wrong with a key is told in words of our own, with the key and what came."""

import itertools
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import core_schema

from soleus.config import dump_config, explain, load_config
from soleus.config.keys import keys_of

WRONG = (
    *("x", "", "\ud800", -1, 0, 7, 0.5, -3.0, 1e300, float("inf"), True, None, 10**400, b"x"),
    *([], ["x"], [[]], [1] * 100, [None], (), ("x", -1), {}, {"a": 1}, {"a": "x"}, {"a": {"b": "x"}}, {1: 2}),
    *({None: {}}, {"a-b[c]": {"weight": "x"}}, {"terms": {}}, {"terms": {"a-b": {"weight": []}}}, object),
)


def _with(raw: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A raw configuration with another value of a key; a part of the schema that it has not is made."""
    first, _, rest = key.partition(".")
    inner = raw.get(first)
    return {**raw, first: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


def _errors() -> Iterator[tuple[str, type[BaseModel], ValidationError]]:
    """What comes of each wrong value, for each key of humans and of other environments."""
    for preset in ("walk2d", "cartpole"):
        config = load_config(preset)
        raw = yaml.safe_load(dump_config(config))
        for (key, _), value in itertools.product(keys_of(type(config)), WRONG):
            try:
                type(config).model_validate(_with(raw, key, value))
            except ValidationError as error:
                yield key, type(config), error


def test_every_error_is_in_words_of_our_own() -> None:
    seen = set()
    for key, schema, error in _errors():
        said = explain.explain(error, schema)
        kinds = {one["type"] for one in error.errors()}
        seen |= kinds
        assert kinds <= explain._EXPECTED.keys() | {"extra_forbidden", "missing", "value_error"}, said
        assert "another value (" not in said
        assert "\n" not in said
        assert key.partition(".")[0] in said.partition(":")[0], said
    assert explain._EXPECTED.keys() <= seen, "words for what does not come"


def test_types_of_errors_are_those_of_pydantic() -> None:
    """A type that pydantic calls by another name would be told in its own words."""
    assert explain._EXPECTED.keys() <= set(get_args(core_schema.ErrorType))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.pin_threads", "x", "train.pin_threads: expected a valid boolean, got 'x'"),
        ("task.observation", [], "task.observation: expected a mapping, got []"),
        ("task.observation", {}, "task.observation: expected 1 or more of them, got {}"),
        ("task.observation", {1: {}}, "task.observation.1: expected a valid string, got 1"),
        ("task.observation", {"a-b[c]": {"x": "y"}}, "task.observation.a-b[c].x: expected a valid number, got 'y'"),
        ("task.reward.terms", {"a-b": {"weight": []}}, "task.reward.terms.a-b.weight: expected a valid number, got []"),
        ("policy.hidden", [1] * 65, "policy.hidden: expected a list of at most 64, got (1, 1, "),
        ("model", {"mass": {"skeleton": 3}}, "model.mass.skeleton: expected a valid string, got 3"),
        ("motion", {"table": "x.csv", "scale": 0}, "motion.scale: expected greater than 0, got 0"),
        ("motion", {"bvh": "x.bvh", "from": "a"}, "motion.from: expected a valid number, got 'a'"),
        ("parallel.num_workers", 10**6, "parallel.num_workers: expected less than or equal to 10000, got 1000000"),
        ("parallel.num_workers", "x", "parallel.num_workers: expected a valid integer, got 'x'"),
        ("parallel.ray_address", "", "parallel.ray_address: expected a text of 1 or more characters, got ''"),
        ("task.episode_seconds", 1e6, "task.episode_seconds: expected less than or equal to 86400, got 1000000.0"),
    ],
)
def test_words(key: str, value: Any, message: str) -> None:
    config = load_config("walk2d")
    raw = yaml.safe_load(dump_config(config))
    with pytest.raises(ValidationError) as error:
        type(config).model_validate(_with(raw, key, value))
    assert explain.explain(error.value, type(config)).startswith(message)
