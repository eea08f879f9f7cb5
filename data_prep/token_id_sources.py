"""Sources of token ids, such as Megatron's files, hold no text: keys of a recipe that need text are refused."""

from __future__ import annotations

from collections.abc import Sequence

from configs.common.errors import UserError
from configs.recipe import CorpusRecipe
from data_prep.sources.ranges import Range


def refuse_text_keys(recipe: CorpusRecipe, tasks: Sequence[Sequence[Range]]) -> None:
    """Raise UserError if a source holds token ids, and a key would do nothing to it or give the ids another meaning."""
    numbers = {piece.number for task in tasks for piece in task if piece.format == "megatron"}
    if not numbers:
        return
    key = f"data.sources.{min(numbers)}"
    if recipe.vocabulary.source == "train":
        raise UserError(
            f"{key}: holds token ids, and vocabulary.source is train; set vocabulary.source to the vocabulary that the "
            "ids were made with"
        )
    data, masking = recipe.data, recipe.masking
    # key -> its value, and the value with which it does nothing
    of_text: dict[str, tuple[object, object]] = {
        "data.filters": (list(data.filters), []),
        "data.normalize": (list(data.normalize), []),
        "data.personal_data": (data.personal_data, "ignore"),
        "masking.segmenter": (masking.segmenter, "none"),
        "masking.lexicon": (masking.lexicon, ""),
    }
    for name, (value, nothing) in of_text.items():
        if value != nothing:
            raise UserError(f"{key}: holds token ids, and {name} needs text; leave it out, or name the text itself")
