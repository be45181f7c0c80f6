"""The Markdown file that benchmarks are recorded in: a section a command, which a second run takes the place of."""

import re
from pathlib import Path

from soleus.machine.files import write_bytes
from soleus.run.summary import machine, versions


def write_section(file: Path, command: str, body: str) -> None:
    """Write a command's section, headed by this machine, over its last one; raises UserError where the disk refuses."""
    text = file.read_text(encoding="utf-8") if file.is_file() else "# Benchmarks\n"
    head, *old = re.split(r"(?m)^(?=## `)", text)
    box, found = machine(), versions()
    packages = f"MuJoCo {found.get('mujoco', '?')}, torch {found.get('torch', '?')}"
    title = f"## `{command}`\n"
    section = f"{title}\n{box['processor']}, {box['cpus']} CPUs, {packages}\n\n{body}"
    parts = [*(part for part in old if not part.startswith(title)), section]
    write_bytes(file, (head.rstrip() + "\n\n" + "\n".join(part.rstrip() + "\n" for part in parts)).encode())
