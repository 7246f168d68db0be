"""A trained model as an object."""
