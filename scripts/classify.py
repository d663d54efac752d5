"""Names the class of one mesh, or of all meshes in a folder, with a deployed model. Needs NumPy and ONNX Runtime or OpenVINO."""

import argparse
import json
import sys
from pathlib import Path

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.deploy import classifier


def main(options):
    model = classifier.load(options.model, options.engine)
    found, bad = [], 0
    paths = [path for mesh in options.meshes for path in classifier.meshes(mesh)]
    for path in paths:
        try:
            found.append(classifier.classify(model, path))
        except InputError as error:
            if len(paths) == 1:
                raise
            bad += 1
            print(f"classify: {error}", file=sys.stderr)
            continue
        if not options.json and not options.csv:
            print(line(found[-1]))
    if options.json:
        print(json.dumps(found, indent=2))
    if options.csv:
        write_csv(found)
    if bad:
        sys.exit(f"classify: {bad} of {len(paths)} meshes can't be classified; the reasons stand above")


def line(one):
    return (
        f"{one['file']}: {one['class']} ({one['confidence_percent']:.1f} %), read {one['read_ms']:.1f} ms, "
        f"voxelize {one['voxelize_ms']:.1f} ms, network {one['network_ms']:.2f} ms"
    )


def write_csv(found):
    import csv  # waited for only where it is wanted

    columns = ["file", "class", "confidence_percent", "read_ms", "voxelize_ms", "network_ms"]
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)


def parse():
    parser = argparse.ArgumentParser(prog="classify", description=__doc__)
    parser.add_argument("meshes", nargs="+", help="mesh files (.off .obj .stl .ply .gltf .glb), or folders of them")
    parser.add_argument(
        "--model", default=Path(__file__).resolve().parent, help="folder that export made (default: this one)"
    )
    parser.add_argument(
        "--engine", choices=["auto", *classifier.ENGINES], default="auto", help="auto: the fastest installed"
    )
    parser.add_argument("--json", action="store_true", help="print a list of JSON objects")
    parser.add_argument("--csv", action="store_true", help="print a table")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
