"""What collectors and the learner agree on: observations and actions, weights by name, the Batch."""
