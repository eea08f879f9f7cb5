"""List the released models whose shape each recipe has, and the number of parameters of that shape.

The integers were counted by instantiating transformers 5.23.0's ElectraModel (backbone), ElectraForPreTraining (with
head) and ElectraForMaskedLM (generator, tied); joint is both with one set of embeddings.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    names: tuple[str, ...]
    backbone: int
    with_head: int
    generator: int
    joint: int


_ZH_SMALL = (12_280_576, 12_346_625, 3_408_200, 12_984_393)
_ZH_BASE = (101_677_056, 102_268_417, 22_279_496, 107_925_321)

PUBLISHED = {
    "small": Published(("electra-small",), 13_483_008, 13_549_057, 4_620_026, 14_196_219),
    "small_pp": Published(("google/electra-small",), 13_483_008, 13_549_057, 13_546_682, 23_122_875),
    "base": Published(("google/electra-base",), 108_891_648, 109_483_009, 33_740_602, 119_386_427),
    "large": Published(("google/electra-large",), 334_092_288, 335_142_913, 51_295_290, 354_655_291),
    "zh_small": Published(("chinese-electra-small", "hfl/chinese-electra-small-discriminator"), *_ZH_SMALL),
    "zh_small_ex": Published(
        ("hfl/chinese-electra-180g-small-ex-discriminator",), 24_495_104, 24_561_153, 6_795_208, 25_815_497
    ),
    "zh_base": Published(("chinese-electra-base", "hfl/chinese-electra-180g-base-discriminator"), *_ZH_BASE),
    "zh_large": Published(("hfl/chinese-electra-large",), 324_472_832, 325_523_457, 41_666_440, 345_026_441),
    "legal": Published(("hfl/chinese-legal-electra-small-generator",), *_ZH_SMALL),
    "legal_base": Published(("hfl/chinese-legal-electra-base",), *_ZH_BASE),
    # The joint number of this recipe includes its three heads, and shares only the word embeddings, as PaddleNLP does.
    "health": Published(("ernie-health-chinese",), 102_813_696, 103_405_057, 27_654_736, 114_999_073),
}
# This counts the backbone of the generator of hfl/chinese-legal-electra-small-generator.
LEGAL_GENERATOR_BACKBONE = 3_378_496
# This is the joint number of `health` with the head for replaced tokens as its only head, and with everything shared.
HEALTH_WITH_DETECTION_ALONE = 113_300_561
HEALTH_DISCRIMINATOR_WITH_THREE_HEADS = 104_707_281
