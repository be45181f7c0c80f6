"""Benchmarks to run again: `soleus bench`. Two things are compared in one run, alternating, by medians."""

from soleus.bench.images import bench_images as bench_images
from soleus.bench.init import bench_init as bench_init
from soleus.bench.network import bench_network as bench_network
from soleus.bench.rollout import bench_rollout as bench_rollout
from soleus.bench.sync import bench_sync as bench_sync
from soleus.bench.train import bench_train as bench_train
