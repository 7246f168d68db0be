"""What the benchmarks are run on, and where it comes from."""
