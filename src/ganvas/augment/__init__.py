"""Differentiable augmentation, and the policy that sets its strength."""
