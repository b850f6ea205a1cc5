"""The tabs of the page: what the visitor sees. No model code lives here.

A tab is a module with four names: TITLE, LEAD, build() and warm_up().
"""

from tabs import captioning, classification, detection

TABS = (classification, detection, captioning)  # the order on screen; the only list of tabs
