"""`soleus doctor`: is this machine fit, and is anything left behind?"""

import os
from dataclasses import asdict
from typing import Annotated

import tyro


def doctor(
    run: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN]", help_behavior_hint="")] = None,
    *,
    pid: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    clean: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Look for what makes runs slow or fail here, and for what they left behind; exit with 1 if anything is wrong.

    Args:
        run: Run folder or URL: also compare this run with the machine, and check that its latest checkpoint is whole.
        pid: Process number of a run under way: also watch whether its threads get the CPUs that they want.
        quick: Leave out the measurement of whether threads pay off, which takes some seconds; --pid leaves it out too.
        clean: End workers whose run is gone; remove your shared memory (soleus*, psm_*, torch_*) that no process maps.
        json: Print the findings as JSON.
    """
    from soleus.doctor.folder import examine_run
    from soleus.doctor.live import examine_process
    from soleus.doctor.machine import examine
    from soleus.machine.cpus import available_cpus
    from soleus.machine.memory import available_memory_mb
    from soleus.run.shipped import find_records
    from soleus.run.summary import as_json, versions

    findings = (
        [] if run is None else examine_run(find_records(run), available_cpus(), available_memory_mb(), versions())
    )
    findings += [] if pid is None else examine_process(pid)
    findings = [*examine(os.environ, clean, quick or pid is not None), *findings]  # first what may be no run at all
    wrong = sum(one.state == "wrong" for one in findings)
    if json:
        print(as_json({"wrong": wrong, "findings": [asdict(one) for one in findings]}))
    else:
        width = max(len(one.name) for one in findings)
        print("\n".join(f"{one.state:5}  {one.name:{width}}  {one.text}" for one in findings))
        print("\nnothing is wrong" if not wrong else f"\n{wrong} thing{'s are' if wrong > 1 else ' is'} wrong")
    return int(wrong > 0)
