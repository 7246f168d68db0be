from tests.training.conftest import clothes, draw

__all__ = ["clothes", "draw"]
