"""What the players want: pure functions of judgements and images."""
