"""Looking at every operation that a network runs."""

from torch.utils._python_dispatch import TorchDispatchMode


class Watcher(TorchDispatchMode):
    """A TorchDispatchMode that doesn't load torch's compiler before its first operation, which takes two seconds."""

    @classmethod
    def _should_skip_dynamo(cls):
        return False
