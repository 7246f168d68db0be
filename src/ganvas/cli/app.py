"""The command table. Nothing here imports torch: commands load what they need when they run."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from ganvas.cli.show import error
from ganvas.errors import GanvasError

app = App(
    name="ganvas",
    help="Train generative adversarial networks on your own pictures, and use the one that paints.",
    version=lambda: version("ganvas"),
    help_epilogue="Every command: ganvas COMMAND --help. Add --debug for a traceback.",
)
app.command("ganvas.cli.check:check", help="Look over a set of pictures and say what to do before training.")
app.command("ganvas.cli.train:train", help="Train a generator on your pictures, or go on where it stopped.")
app.command("ganvas.cli.sample:sample", help="Paint pictures with a trained model.")
app.command("ganvas.cli.inspect:inspect", help="Print a model's card, or a painted picture's mark and recipe.")
app.command("ganvas.cli.presets:presets", help="List the shipped recipes, or print one.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed or stopped, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or bool(os.environ.get("GANVAS_DEBUG"))
    words = [word for word in words if word != "--debug"]
    try:
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as wrong:
        error(" ".join(str(wrong).split()))
        sys.exit(2)
    except GanvasError as failed:
        if debug:
            raise
        error(str(failed))
        sys.exit(failed.exit_code)
    except KeyboardInterrupt:
        error("Stopped; the same command goes on from here.")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away, as in `ganvas ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)
