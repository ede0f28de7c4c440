# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the command line."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from ...core.fusion.limits import (
    LEAST_RESOLUTION,
    MOST_PHOTOS,
    MOST_RESOLUTION,
    USUAL_RESOLUTION,
)
from ...core.relief.limits import SHEET_ANGLE
from ...inference.cards import BUNDLED, read_cards
from ..output.export import WRITERS
from .targets import OUTPUTS, flag

_EPILOG = """exit codes: 0 every output was written; 1 a photo failed (the others were done);
2 wrong arguments; 3 the environment cannot be set up; 130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """The argument parser of all three ways to run."""
    result = argparse.ArgumentParser(
        prog="reconstruct", description="Turn face photos into editable 3D meshes.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "photos", nargs="*", metavar="PHOTO", help="image file, or with --fuse a video"
    )
    result.add_argument(
        "--fuse", action="store_true",
        help=f"make one head of all photos, 2 to {MOST_PHOTOS} of one person, or of a video",
    )
    result.add_argument(
        "--keep-all", action="store_true",
        help="fuse photos that seem to show somebody else, too",
    )
    _add_outputs(result.add_argument_group("what is written"))
    _add_depth_source(result.add_argument_group("where depth comes from"))
    _add_shape(result.add_argument_group("the mesh"))
    _add_edits(result.add_argument_group("done to the mesh"))
    return result


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    for name, output in OUTPUTS.items():
        short = ("-o",) if name == "output" else ()
        add(*short, flag(name), dest=name, type=Path, metavar=output.metavar,
            help=f"{output.help}; with several photos a folder")
    add("--format", choices=[suffix[1:] for suffix in WRITERS], default="blend",
        help="mesh format in a folder (default: blend)")
    add("--report", type=Path, metavar="FILE.json", help="timings, counts, faces and versions")
    add("--print-kind", choices=("relief", "bust", "solid"), default="relief",
        help="plate with a shallow relief, hollow bust, or solid with a flat back "
        "(default: relief)")
    add("--print-height", type=_number(float, 5, 2000), default=100.0, metavar="MM",
        help="height of the print (default: 100)")


def _add_depth_source(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", default=BUNDLED, metavar="NAME|FOLDER|FILE.onnx",
        help=f"{_bundled_models()}; another that --list-models names; or a model's folder or file")
    add("--compare", nargs="+", metavar="NAME", default=[],
        help="lay out the meshes of several models side by side; the photo comes before")
    add("--list-models", action="store_true",
        help="tell of each model where it is, how large and for what, and end")
    add("--self-check", action="store_true",
        help="say what is there, what is missing and how to mend it, and end")
    add("--download", default="", metavar="NAME",
        help="fetch a model from the network, and end; the only option that uses it")
    add("--models", default="", metavar="DIR",
        help="your own folder that holds models by their names (default: as in the preferences)")
    add("--fit", action="store_true",
        help="make a face as deep as its landmarks say, whatever a model in metres says")
    add("--steps", type=_number(int, 0, 100), default=0, metavar="N",
        help="of a diffusion model (default: 0, as many as suit it)")
    add("--ensemble", type=_number(int, 1, 10), default=1, metavar="N",
        help="runs of a diffusion model that are averaged (default: 1)")
    add("--seed", type=_number(int, 0, 2**31 - 1), default=0, metavar="N",
        help="of a diffusion model's noise (default: 0)")
    add("--face", type=_face, default=0, metavar="INDEX|none",
        help="which face, 0 the largest (default); none for the whole image")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default=None,
        help="where the model runs (default: as in the preferences, or auto)")
    add("--precision", choices=("auto", "float32", "float16", "bfloat16"), default=None,
        help="what the model computes with (default: as in the preferences, or auto: half on "
        "graphics cards)")
    add("--python", default="", metavar="PATH",
        help="interpreter that has torch and transformers (default: as in the preferences, or "
        "this one)")
    add("--depth-input", type=Path, metavar="MAP",
        help="depth map to use in place of a model: .png, .tif, .jpg, .exr or .npy, "
        "with its photo or alone")
    add("--depth-near", choices=("white", "black"), default="white",
        help="which end of the map is near (default: white)")
    add("--depth-kind", choices=("disparity", "depth"), default="disparity",
        help="what the map's values go by (default: disparity)")
    add("--depth-unit", choices=("relative", "pixels", "metres", "millimetres"),
        default="relative", help="unit of the map's values (default: relative)")
    add("--depth-relief", type=_number(float, 0.1, 10000), metavar="MM",
        help="depth of a relative map from end to end (default: fits the face)")


def _add_shape(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--resolution", type=_number(int, 16, 2048), metavar="N",
        help="vertices along the longest side, 16 to 2048 (default: 512); "
        f"of a fused head {LEAST_RESOLUTION} to {MOST_RESOLUTION} (default: {USUAL_RESOLUTION})")
    add("--topology", choices=("grid", "adaptive", "quads", "template"), default="grid",
        help="even squares; dense at eyes, nose and mouth; quads along the form; "
        "or a whole head of fixed face loops (default: grid)")
    add("--budget", type=_number(int, 1000, 4_000_000), default=20000, metavar="N",
        help="vertices of an adaptive mesh, or faces of a remesh (default: 20000)")
    add("--part", choices=("face", "head", "bust"), default="bust",
        help="how much of the person becomes a mesh (default: bust)")
    add("--cut", type=_number(float, 30, 90), default=round(math.degrees(SHEET_ANGLE)),
        metavar="DEGREES",
        help="cut the mesh open where it is steeper than this (default: 86; 90 cuts nothing)")
    add("--projection", choices=("relief", "weak-perspective", "perspective"), default="relief",
        help="how depth becomes the surface (default: relief)")
    add("--distance", type=_number(float, 0.1, 100), metavar="METRES",
        help="from the camera to the face, for the perspectives (default: by EXIF or 0.8)")
    add("--strength", type=_number(float, 0, 10), default=1.0, metavar="X",
        help="factor on the relief, 0 to 10 (default: 1, true to the photo)")
    add("--pupils", type=_number(float, 1, 10000), metavar="MM",
        help="distance of the person's pupils, which gives the size (default: 63)")


def _add_edits(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--detail", type=_number(float, 0, 4), nargs="?", const=1.0, default=0.0,
        metavar="STRENGTH", help="add pores and wrinkles that the photo's shading suggests")
    add("--cleanup", action="store_true",
        help="cut stretched faces, drop islands, remove spikes, fill small holes")
    add("--smooth", type=_number(int, 0, 200), nargs="?", const=5, default=0, metavar="ITERATIONS",
        help="smooth the mesh, keeping its features (5 iterations unless told)")
    add("--watertight", action="store_true", help="close the neck of a template head")
    add("--complete", action="store_true", help="mirror what a turned head hides")


def _bundled_models() -> str:
    """Each model that comes along, with what it is good for."""
    return "; ".join(
        f"{name}{' (default)' if name == BUNDLED else ''}: "
        f"{card.good_at[0].lower()}{card.good_at[1:]}"
        for name, card in read_cards().items() if card.comes_along
    )


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    """An argument's type: a number within bounds."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be a number from {low} to {high}, not {text}")
        return value

    return parse


def _face(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be none, 0 or more, not {text}")
    return int(text)
