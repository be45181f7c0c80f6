"""Pictures of humans, without a screen: a stage, cameras, frames, films."""

from typing import Literal

Shot = Literal["side", "front", "follow"]
"""From where a camera looks at a human: its right, its face, or behind it at an angle."""
