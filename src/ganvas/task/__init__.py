"""One file a task: how a batch becomes a problem."""
