"""The table of scores, and the cards that are made from the same records."""

from models import catalog
from training import model_cards, scores


def test_the_table_has_a_row_for_every_model():
    lines = scores.table(catalog.MODELS).splitlines()
    assert len(lines) == 2 + len(catalog.MODELS)
    for line, row in zip(lines[2:], catalog.MODELS, strict=True):
        assert line.startswith(f"| `{row.id}` | {row.score} |")


def test_further_figures_leave_out_the_headline_and_the_training():
    record = {"value": 0.5, "top1": 0.5, "top5": 0.75, "training": {"minutes": 3.0, "steps": 9}}
    assert scores.further(record | {"stories": {"hero_kept": 1.0}}) == [
        "top5 75.0 %",
        "hero kept 100.0 %",
    ]


def test_a_card_names_score_data_size_and_how_to_repeat_it():
    row = catalog.get("efficientnetv2_picture_book")
    card = model_cards.card(row)
    for part in (row.score, row.trained_on, row.licence, row.record["held_out"], "1,844,260"):
        assert part in card
    assert f"python -m training.{row.id}" in card


def test_a_card_quotes_what_a_model_of_texts_got_wrong():
    row = catalog.get("bert_tiny_reviews")
    quoted = row.record["failures"]
    assert len(quoted) == 8
    assert all(f"> {text}" in model_cards.card(row) for text in quoted)
