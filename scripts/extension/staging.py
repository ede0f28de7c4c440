# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that Blender's own command makes a zip of."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import _environment

from . import licences
from .targets import Edition, Target
from .wheel import Wheel

MANIFEST = "blender_manifest.toml"
_NETWORKS = "transformers_model"


@dataclass(frozen=True)
class Source:
    """Where an extension is made from.

    Attributes
    ----------
    package : Path
        The add-on.
    manifest, licence, licences : Path
    """

    package: Path
    manifest: Path
    licence: Path
    licences: Path


OURS = Source(
    package=_environment.ROOT / "face_depth_addon", manifest=_environment.ROOT / MANIFEST,
    licence=_environment.ROOT / "LICENSE", licences=_environment.ROOT / "LICENSES.md",
)


def stage(
    folder: Path, edition: Edition, target: Target | None, wheels: list[Wheel],
    source: Source = OURS,
) -> None:
    """Lay out all that goes into a zip.

    Parameters
    ----------
    folder : Path
        To be made.
    edition : Edition
    target : Target or None
        None for a zip without wheels.
    wheels : list of Wheel
    source : Source
    """
    shutil.copytree(source.package, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(source.licence, folder)
    text = source.licences.read_text(encoding="utf-8")
    text += licences.table(wheels) if wheels else ""
    (folder / "LICENSES.md").write_text(text, encoding="utf-8")
    if edition == "lite":
        _export_networks(folder)
    if wheels:
        (folder / "wheels").mkdir()
        for wheel in wheels:
            shutil.copy(wheel.path, folder / "wheels")
    text = source.manifest.read_text(encoding="utf-8")
    names = sorted(wheel.path.name for wheel in wheels)
    (folder / MANIFEST).write_text(_manifest(text, target, names), encoding="utf-8")


def _manifest(text: str, target: Target | None, wheels: list[str]) -> str:
    """The manifest, with what the zip is for and holds."""
    if target is None:
        return text
    first, end = target.blender
    lines = [f'blender_version_min = "{first}"']
    if end:
        lines.append(f'blender_version_max = "{end}"')
    lines.append(f'platforms = ["{target.platform}"]')
    lines += ["wheels = [", *(f'  "./wheels/{name}",' for name in wheels), "]"]
    # What is at the top stays there: below, the tables begin.
    return re.sub(r'^blender_version_min = ".*"$', "\n".join(lines), text, flags=re.MULTILINE)


def _export_networks(folder: Path) -> None:
    """Put ONNX files in the place of the weights that only PyTorch can run."""
    from .onnx_export import export

    for path in sorted((folder / "cards").glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        weights = folder / "models" / path.stem
        if card["source"] != _NETWORKS or not weights.is_dir():
            continue
        export(weights, weights)
        for name in (
            "config.json", "model.safetensors", "preprocessor_config.json", "face_depth.json",
        ):
            (weights / name).unlink()
        card["source"] = "onnx_model"
        path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
