"""The networks in torch: what acts in the rollouts of environments, and what the learner trains."""
