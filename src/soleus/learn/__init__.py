"""Learning: PPO for the policy, regression for the muscle network. Takes Batches; knows no collector."""
