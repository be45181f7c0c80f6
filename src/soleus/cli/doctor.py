"""`soleus doctor`: is this machine fit, and is anything left behind?"""

import json as json_format
import os
from dataclasses import asdict
from typing import Annotated

import tyro


def doctor(
    *,
    clean: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Look for what makes runs slow or fail here, and for what they left behind; exit with 1 where something is wrong.

    Args:
        clean: End workers whose run is gone, remove shared memory that nobody maps (soleus*, psm_*, torch_* of yours).
        json: Print one JSON object.
    """
    from soleus.doctor import examine

    findings = examine(os.environ, clean)
    wrong = sum(one.state == "wrong" for one in findings)
    if json:
        print(json_format.dumps({"wrong": wrong, "findings": [asdict(one) for one in findings]}))
    else:
        width = max(len(one.name) for one in findings)
        print("\n".join(f"{one.state:5}  {one.name:{width}}  {one.text}" for one in findings))
        print("\nnothing is wrong" if not wrong else f"\n{wrong} thing{'s are' if wrong > 1 else ' is'} wrong")
    return int(wrong > 0)
