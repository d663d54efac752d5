"""Writes page.html into a deployed folder: it classifies meshes in a browser, offline. Needs zig (pip install ziglang)."""

import argparse

from voxprune.core.command import run_command
from voxprune.deploy.page import write_page


def main(options):
    size = write_page(options.folder, options.parent)
    print(f"written {options.folder}/page.html ({size / 1000:.0f} kB); open it in a browser and drop a mesh on it")


def parse():
    parser = argparse.ArgumentParser(prog="write_page", description=__doc__)
    parser.add_argument("folder", help="a folder that export made")
    parser.add_argument("--parent", help="the parent's folder, whose latency the page then compares")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
