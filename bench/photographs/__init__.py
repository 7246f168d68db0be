"""The benchmark of the photo tasks: its pictures, damages, competitors, scores and sheets."""
