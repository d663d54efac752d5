"""Writes the front page of the report: the answer with the plots that tell the story, all in one file."""

import argparse
import base64
from pathlib import Path

from voxprune.answer import sentences
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write, read_json


def main(options):
    blocks = sentences.tell(read_json(options.answer), [inline(path) for path in options.pictures])
    with atomic_write(options.page) as temporary:
        temporary.write_text(sentences.render(blocks, "rst"))


def inline(path):
    """The address that holds a picture itself, in short lines: docutils refuses longer ones than 10,000 letters."""
    return "data:image/png;base64," + base64.encodebytes(path.read_bytes()).decode().rstrip().replace("\n", "\n   ")


def parse():
    parser = argparse.ArgumentParser(prog="write_front_page", description=__doc__)
    parser.add_argument("--answer", required=True, help="answer.json")
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="plots (.png) in the order of reading")
    parser.add_argument("--page", required=True, help="output: .rst, for Snakemake's report")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
