"""The command table. Nothing here imports torch: commands load what they need when they run."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError, UnusedCliTokensError

from ganvas.cli.show import error
from ganvas.errors import GanvasError, OutOfMemory
from ganvas.heap import keep_freed_memory


def _version() -> str:
    from importlib.metadata import version  # takes as long as a third of what else --help needs

    return version("ganvas")


app = App(
    name="ganvas",
    help="Train generative adversarial networks on your own pictures, and use the one that paints.",
    version=_version,
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # `main` says what becomes of the run
    help_epilogue="Every command: ganvas COMMAND --help. Add --debug for a traceback.",
)
app.command("ganvas.cli.check:check", help="Look over a set of pictures and say what to do before training.")
app.command(
    "ganvas.cli.train:train",
    help="Train a generator on your pictures, or go on where it stopped.",
    help_epilogue="""\
ganvas train photos/                         everything chosen for you
ganvas train photos/ --minutes 20            as good as 20 minutes allow
ganvas train photos/ --size 192x320 --kimg 2000 --name beach
ganvas train photos/ --task upscale --scale 2      or repair, restore, find-scratches

The same command again resumes. Ctrl-C saves first.""",
)
app.command(
    "ganvas.cli.sample:sample",
    help="Paint pictures with a trained model.",
    help_epilogue="""\
ganvas sample runs/0001-photos --seeds 0-63 --grid 8x8
ganvas sample model.safetensors --seeds 7 --class dress --format webp""",
)
app.command(
    "ganvas.cli.repair:repair",
    help="Fill what a mask marks in photographs, and change nothing else.",
    help_epilogue="""\
ganvas repair scan.png --mask mask.png --out repaired.png
ganvas repair scans/ --mask masks/ --out repaired/
ganvas repair scans/ --find-scratches --out repaired/""",
)
app.command(
    "ganvas.cli.restore:restore",
    help="Take noise, JPEG blocks, blur and fading out of photographs.",
    help_epilogue="ganvas restore photos/ --out restored/ --strength 0.5",
)
app.command(
    "ganvas.cli.upscale:upscale",
    help="Enlarge photographs.",
    help_epilogue="""\
ganvas upscale photo.jpg --scale 4 --out large.png
ganvas upscale photos/ --scale 2 --out large/ --dry-run""",
)
app.command(
    "ganvas.cli.revive:revive",
    help="Old photographs: find scratches, repair, restore, enlarge.",
    help_epilogue="ganvas revive scans/ --out revived/ --scale 2",
)
app.command("ganvas.cli.models:models", help="List the installed models for photographs.")
app.command(
    "ganvas.cli.evaluate:evaluate",
    help="Measure a generator: scores with their errors, and what it copied.",
    help_epilogue="""\
ganvas evaluate runs/0001-photos                       a run by its own pictures
ganvas evaluate model.safetensors --data photos/
ganvas evaluate painted/ --data photos/ --protocol clean --features inception-v3 --weights FILE
ganvas evaluate restored/ --data originals/ --pairs
ganvas evaluate runs/0002-stacked --data mnist/train-images-idx3-ubyte.gz --modes stacked""",
)
app.command("ganvas.cli.compare:compare", help="Say which of two results of evaluate is better, and whether by chance.")
app.command("ganvas.cli.weights:weights", help="List the weights of feature networks, or check them.")
app.command("ganvas.cli.inspect:inspect", help="Print a model's card, or a painted picture's mark and recipe.")
app.command("ganvas.cli.presets:presets", help="List the shipped recipes, or print one.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed or stopped, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or bool(os.environ.get("GANVAS_DEBUG"))
    words = [word for word in words if word != "--debug"]
    keep_freed_memory()
    try:
        _run(words)
    except UnusedCliTokensError as wrong:
        error(
            f"'{(wrong.unused_tokens or [''])[0]}' belongs to no option; leave it out, or see ganvas {words[0]} --help."
        )
        sys.exit(2)
    except CycloptsError as wrong:
        error(" ".join(str(wrong).split()))
        sys.exit(2)
    except GanvasError as failed:
        if debug:
            raise
        error(str(failed))
        sys.exit(failed.exit_code)
    except KeyboardInterrupt as stopped:
        error(str(stopped) or "Stopped.")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away, as in `ganvas ... | head`
        _give_up_output()
    except OSError as full:
        if debug or full.filename is not None:  # not of standard output
            raise
        error(f"Cannot write the output ({full.strerror or full}); see where it goes.")
        _give_up_output()
    sys.exit(0)


def _run(words: list[str]) -> None:
    try:
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except MemoryError as full:
        raise OutOfMemory("There is too little memory; close other programs, or take smaller pictures.") from full


def _give_up_output() -> NoReturn:
    """Exit without another try to write what was not written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)
