"""What the rooms share: targets, devices, randomness, parameter validation; each has one place."""
