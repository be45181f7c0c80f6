"""From conditions to a gait by a network, and from a gait back to conditions.

The forward network learns what strides a policy makes under all conditions; the backward search asks it, and then the
policy itself, which conditions make a given gait (Park et al. 2022, Generative GaitNet, has networks for both).
"""
