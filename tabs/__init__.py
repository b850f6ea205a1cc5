"""The tabs of the page: what the visitor sees. No model code lives here.

A tab is a module with four names: TITLE, LEAD, build() and warm_up().
"""

from tabs import augmentation, captioning, classification, detection, text_to_image

TABS = (classification, detection, augmentation, text_to_image, captioning)  # the only list
