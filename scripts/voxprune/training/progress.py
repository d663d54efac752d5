"""The saved state from which an interrupted training goes on."""

import zipfile
from pathlib import Path

import torch

from voxprune.core.files import atomic_write


class Progress:
    """What a resumed training needs: everything that the next epoch depends on, and the best weights so far."""

    def __init__(self, network, average, optimiser, generator, job):
        self.network, self.average, self.optimiser, self.generator = network, average, optimiser, generator
        self.path, self.fingerprint = Path(job.state_path), job.fingerprint
        self.curve, self.best, self.best_accuracy = [], None, -1.0

    def add(self, row):
        self.curve.append(row)
        accuracy = row["validation_accuracy_percent"]
        if accuracy is None or accuracy > self.best_accuracy:
            self.best_accuracy = -1.0 if accuracy is None else accuracy
            judged = self.average.module if self.average else self.network
            self.best = {name: tensor.clone() for name, tensor in judged.state_dict().items()}
        state = {
            "fingerprint": self.fingerprint, "curve": self.curve, "best": self.best, "accuracy": self.best_accuracy,
            "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "average": self.average and self.average.state_dict(),
            "generator": self.generator.get_state(), "torch": torch.get_rng_state(),  # dropout draws from the latter
        }  # fmt: skip
        with atomic_write(self.path) as temporary, open(temporary, "wb") as file:
            torch.save(state, file)

    def resume(self, report):
        if not self.path.exists():
            return
        try:
            with zipfile.ZipFile(self.path) as file:  # torch itself checks no checksum
                if file.testzip():
                    raise ValueError("it is damaged")
            state = torch.load(self.path, weights_only=True, map_location="cpu")
            if state["fingerprint"] != self.fingerprint:
                raise ValueError("it belongs to other settings, data or code")
        except Exception as error:  # torch.load raises many kinds for a damaged file
            report(f"{self.path}: not resumed ({str(error).splitlines()[0]}); training starts afresh")
            return
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.curve, self.best, self.best_accuracy = state["curve"], state["best"], state["accuracy"]
        report(f"resumed after epoch {len(self.curve)}")
