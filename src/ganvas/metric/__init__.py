"""How good pictures are: scores of features, of pairs and of modes, each with its error and its protocol."""
