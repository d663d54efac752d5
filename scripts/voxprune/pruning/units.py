"""Units: the channels that hang together and can only be removed together.

Every channel that a layer makes gets a number, its label; 0 stands for values that belong to no channel (the input,
constants). A tensor's labels are an int64 tensor of its shape that says of each element which channel it belongs to.
"""

import torch


class Units:
    """Labels, which of them are tied together (union-find, Tarjan 1975), and which may not be removed and why."""

    def __init__(self):
        self._parents, self._pinned, self._roots = [0], {}, None

    def fresh(self, count):
        """int64 (count,): labels that nothing has yet."""
        start = len(self._parents)
        self._parents.extend(range(start, start + count))
        self._roots = None
        return torch.arange(start, start + count)

    def find(self, label):
        while self._parents[label] != label:
            self._parents[label] = self._parents[self._parents[label]]
            label = self._parents[label]
        return label

    def tie(self, labels, others):
        """Ties each label to the other at its place (the shapes broadcast); 0 is tied to nothing."""
        pairs = torch.stack([one.flatten() for one in torch.broadcast_tensors(labels, others)])
        pairs = pairs[:, (pairs[0] != pairs[1]) & (pairs != 0).all(dim=0)]
        for label, other in pairs.unique(dim=1).T.tolist():
            label, other = sorted((self.find(label), self.find(other)))
            self._parents[other] = label
            self._roots = None

    def pin(self, labels, reason):
        """Marks channels that can't be removed; the first reason of each counts."""
        for label in labels.unique().tolist():
            if label:
                self._pinned.setdefault(label, reason)

    def roots(self):
        """int64: for every label the label that stands for its unit; 0 for 0."""
        if self._roots is None:
            self._roots = torch.tensor([self.find(label) for label in range(len(self._parents))])
        return self._roots

    def reasons(self):
        """{the label that stands for a unit: why the unit can't be removed}."""
        found = {}
        for label, reason in sorted(self._pinned.items()):
            found.setdefault(self.find(label), reason)
        return found

    def varies(self, labels, axis):
        """Whether more than one unit lies along an axis; what belongs to none (padding) doesn't count."""
        if labels.shape[axis] < 2 or labels.stride(axis) == 0 or not labels.numel():
            return False
        units = self.roots()[compact(labels)]
        return bool(((units != units.amax(dim=axis, keepdim=True)) & (units != 0)).any())

    def by_channel(self, labels, axis=1):
        """The labels along the axis of channels, of a tensor whose other axes are read together (space, batch): (channels,).

        What lies side by side within one channel is tied. None where the other axes alone hold different units: then it
        is not channels that lie along this axis.
        """
        rows = compact(labels).movedim(axis, 0).flatten(1)
        if rows.shape[1] > 1 and len(rows) == 1 and self.varies(rows, 1):
            return None
        first = rows.amax(dim=1)  # of what is nothing in part (padding) the channel in the other part
        self.tie(rows, first[:, None])
        return first.expand(labels.shape[axis])


def compact(labels: torch.Tensor) -> torch.Tensor:
    """The labels with every axis along which they are all the same cut down to length 1."""
    if not labels.numel():
        return labels
    for axis in range(labels.dim()):
        first = labels.narrow(axis, 0, 1)
        if labels.stride(axis) == 0 or bool((labels == first).all()):
            labels = first
    return labels
