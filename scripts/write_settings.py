"""Writes what derives from the declared settings: config.yaml, schemas/config.schema.json and docs/settings.md."""

import argparse
import json
from pathlib import Path

from voxprune.core.command import run_command
from voxprune.core.files import atomic_write
from voxprune.settings.config import Config
from voxprune.settings.pages import config_yaml, settings_page
from voxprune.settings.schema import schema_of


def texts():
    """{path: text} of every file that derives from the settings."""
    return {
        "config.yaml": config_yaml(),
        "schemas/config.schema.json": json.dumps(schema_of(Config), indent=2) + "\n",
        "docs/settings.md": settings_page(),
    }


def main(options):
    for path, text in texts().items():
        with atomic_write(options.folder / path) as temporary:
            temporary.write_text(text)


def parse():
    parser = argparse.ArgumentParser(prog="write_settings", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="of the workflow (default: this one)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
