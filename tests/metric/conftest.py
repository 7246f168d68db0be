from tests.training.conftest import clothes

__all__ = ["clothes"]
