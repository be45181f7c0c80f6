#!/bin/bash
# Trains humans on the nodes of a Slurm job, with a collector on each:
#
#   sbatch --nodes=4 --cpus-per-task=32 slurm.sh runs/legs walk-myolegs --envs-per-collector 64 --duration 40h
#
# The first argument is the folder of the run, which the first node has to reach. The others are arguments of `soleus
# train`. If the run exists already, the same line goes on with it from its last checkpoint, on as many nodes as the job
# has, and the other arguments are ignored. --dependency=singleton makes a chain of such jobs. To change something of a
# run, resume it with other arguments:
#
#   sbatch slurm.sh --resume runs/legs --duration 80h
#
# `scancel --batch --signal=TERM JOB` ends a job with a checkpoint, as the time limit does. `scancel JOB` ends Ray too,
# at once: what came after the last checkpoint is lost.
#
# Every node needs the same environment, with soleus[ray]: activate it before sbatch.

#SBATCH --job-name=soleus
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=1G
#SBATCH --time=12:00:00
# 300 s before the end of its time, this script alone gets SIGTERM: an iteration and a checkpoint have to fit in there.
#SBATCH --signal=B:TERM@300
# A node that fails ends its collector, but not the run. A job that is preempted goes on later.
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --open-mode=append

set -euo pipefail

: "${1:?expected the folder of the run, then what to train}"
: "${SLURM_CPUS_PER_TASK:?expected --cpus-per-task}"
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")

if [ "$1" = --resume ]; then
  what=("$@")
elif [ -e "$1/checkpoints/latest.pt" ]; then
  what=(--resume "$1")
else
  what=(--run-dir "$@")
fi

# The first node learns, and it collects as the others do: the two take turns, each with all of its CPUs. With --max-lag 1
# they would share them: HEAD_COLLECTS=no leaves the first node to the learner.
collectors=${#nodes[@]} head_cpus=$SLURM_CPUS_PER_TASK
if [ "${HEAD_COLLECTS:-yes}" = no ]; then
  collectors=$((collectors - 1)) head_cpus=0
fi

# Soleus sets its threads by the CPUs that Slurm gave. What a site sets for other programs would only bind them.
unset OMP_NUM_THREADS OMP_PROC_BIND OMP_PLACES GOMP_CPU_AFFINITY KMP_AFFINITY
# Slurm holds a job to its memory. Ray looks at all of the node's, and would end collectors for what other jobs take.
export RAY_memory_monitor_refresh_ms=0 RAY_USAGE_STATS_ENABLED=0
# Whoever reaches Ray's ports without it could run anything as this user.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token

# Jobs may share a node: each has ports and a folder of its own. Ray's sockets are in there, so its path is short.
port=$((20000 + SLURM_JOB_ID % 4000 * 2))
folder=/tmp/ray-$SLURM_JOB_ID

step=(srun --overlap --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK")
start_ray() { # NODE CPUS OPTION...
  # A round of 1,000 humans is below 400 MB. Ray by itself would take a third of the node's memory, not of the job's.
  "${step[@]}" --nodelist="$1" ray start --block --num-cpus="$2" --object-store-memory=2000000000 \
    --temp-dir="$folder" "${@:3}" > /dev/null &
  rays+=($!)
}

stop_ray() {
  set +e
  # Not `ray stop`: that ends Ray of this user's other jobs on a node too.
  kill "${rays[@]}" 2> /dev/null
  for _ in {1..40}; do
    [ -n "$(jobs -rp)" ] || break
    sleep 1
  done
  timeout 30 srun --overlap --nodes="${#nodes[@]}" --ntasks="${#nodes[@]}" rm -rf "$folder"
}

# A shell takes signals between its commands, so what lasts runs beside it.
beside() { # COMMAND...
  local code=0
  [ -z "$stopped" ] || return 143
  "$@" &
  child=$!
  wait "$child" || code=$?
  if [ -n "$stopped" ]; then # it was the signal that ended the wait
    code=0
    wait "$child" || code=$?
  fi
  return "$code"
}

rays=() child='' stopped=''
trap stop_ray EXIT
trap 'stopped=1; [ -z "$child" ] || kill -TERM "$child" 2> /dev/null' TERM

# As others see the first node: many a node finds its own name at 127.0.0.1.
host=$("${step[@]}" --nodelist="${nodes[-1]}" getent ahostsv4 "${nodes[0]}" | awk 'NR == 1 { print $1 }')
start_ray "${nodes[0]}" "$head_cpus" --head --node-ip-address="$host" --port="$port" \
  --ray-client-server-port=$((port + 1)) --include-dashboard=false
for node in "${nodes[@]:1}"; do
  start_ray "$node" "$SLURM_CPUS_PER_TASK" --address="$host:$port"
done

all_there='
import os, socket, sys, time
import ray

host, port, wanted, *steps = sys.argv[1:]
there, deadline = 0, time.monotonic() + 300
while there < int(wanted):
    if time.monotonic() > deadline:
        sys.exit(f"error: expected Ray on {wanted} nodes within 300 s, got {there}")
    try:
        for step in steps:
            os.kill(int(step), 0)
        if not ray.is_initialized():
            socket.create_connection((host, int(port)), 5).close()
            ray.init(f"{host}:{port}", log_to_driver=False, logging_level="ERROR")
        there = sum(node["Alive"] for node in ray.nodes())
    except ProcessLookupError:
        sys.exit("error: expected Ray on every node, but `ray start` has ended on one")
    except OSError:
        pass  # the first node is not up yet
    time.sleep(1)
'
beside timeout 330 python3 -c "$all_there" "$host" "$port" "${#nodes[@]}" "${rays[@]}"

beside soleus train "${what[@]}" --collector ray --ray-address "$host:$port" --num-collectors "$collectors"
