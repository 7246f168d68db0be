"""How near a picture is to the one it should be: scores for tasks that have a target."""
