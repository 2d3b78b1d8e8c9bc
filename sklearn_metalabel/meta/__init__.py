"""The meta-learner: policies, their exploration, their gradient, and the episodes that pay them."""
