"""What a user can mend is told in one sentence, as the command line does, not by a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from ganvas.errors import GanvasError


@contextmanager
def plain_errors() -> Iterator[None]:
    """Around a `main`, as a decorator: end the program with the sentence alone."""
    try:
        yield
    except GanvasError as error:
        raise SystemExit(str(error)) from None
    except FileNotFoundError as error:
        raise SystemExit(f"There is no '{error.filename}'; check the path.") from None
