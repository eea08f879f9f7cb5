"""TensorBoard: event files in RUN/tensorboard, with the hyperparameters and a layout of four charts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from pretrain.run.trackers.interface import Experiment
from pretrain.run.trackers.memory import Memory

FOLDER = "tensorboard"
_EVENTS = "events.out.tfevents.*"
# The tab Custom Scalars shows these charts. A chart has every tag that begins with one of its expressions.
LAYOUT = {
    "The run": {
        "Losses": ["Multiline", ["loss/.*"]],
        "Discriminator: AUC on held-out rows": ["Multiline", ["(heldout|general|average)/auc$"]],
        "Generator: masked accuracy and replaced share": [
            "Multiline",
            ["generator/(masked_accuracy|replaced_share)$", "heldout/masked_accuracy$"],
        ],
        "Gradient norm": ["Multiline", ["optimizer/gradient_norm$"]],
    }
}
# The scores by which the tab HParams compares runs.
SCORES = ("heldout/auc", "heldout/masked_accuracy", "heldout/mlm_loss", "loss/total")


def start(experiment: Experiment, memory: Memory) -> TensorBoard:
    return TensorBoard(experiment)


class TensorBoard:
    """A writer of event files. TensorBoard itself drops what an earlier start wrote after the first step."""

    def __init__(self, experiment: Experiment):
        folder = experiment.run / FOLDER
        is_new = not any(folder.glob(_EVENTS))
        self._writer = SummaryWriter(str(folder), purge_step=experiment.first_step + 1)
        if is_new:
            self._describe(experiment)

    def _describe(self, experiment: Experiment) -> None:
        """Write what belongs to the whole run, which is shown twice if it is written twice."""
        self._writer.add_custom_scalars(LAYOUT)
        # SummaryWriter.add_hparams would write them into another folder, as a run of its own. The third summary would
        # say that the run has ended.
        names, values, _ = hparams(experiment.hparams, dict.fromkeys(SCORES, 0.0))
        assert self._writer.file_writer is not None
        for summary in (names, values):
            self._writer.file_writer.add_summary(summary)
        self._writer.flush()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, step)
        self._writer.flush()

    def text(self, step: int, tag: str, text: str) -> None:
        self._writer.add_text(tag, text, step)

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        middles = (edges[1:] + edges[:-1]) / 2
        self._writer.add_histogram_raw(
            tag,
            min=float(edges[0]),
            max=float(edges[-1]),
            num=int(counts.sum()),
            sum=float((counts * middles).sum()),
            sum_squares=float((counts * middles**2).sum()),
            bucket_limits=edges[1:].tolist(),
            bucket_counts=counts.tolist(),
            global_step=step,
        )

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        self._writer.add_image(tag, pixels, step, dataformats="HWC")

    def close(self, *, failed: bool) -> None:
        self._writer.close()
