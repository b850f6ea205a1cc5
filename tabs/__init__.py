"""The tabs of the page: what the visitor sees. No model code lives here.

A tab is a module with four names: TITLE, LEAD, build() and warm_up().
"""

from tabs import (
    augmentation,
    captioning,
    classification,
    detection,
    fine_tuning,
    sentiment,
    text_generation,
    text_to_image,
)

TABS = (  # the order on screen; the only list of tabs
    classification,
    detection,
    augmentation,
    fine_tuning,
    text_to_image,
    sentiment,
    text_generation,
    captioning,
)
