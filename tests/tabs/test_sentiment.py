"""The tab of sentiment: its endpoints through a real client, and what they refuse."""

import csv

import pytest
from gradio_client.exceptions import AppError

MODEL = "bert_tiny_reviews"


def confidences(label):
    return {each["label"]: each["confidence"] for each in label["confidences"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A moving film with wonderful actors.", "positive", id="praise"),
        pytest.param("Dull from start to finish, and far too loud.", "negative", id="blame"),
    ],
)
def test_sentiment_tells_praise_from_blame(client, text, expected):
    label, *_ = client.predict(text, MODEL, api_name="/sentiment")
    shares = confidences(label)
    assert label["label"] == expected
    assert set(shares) == {"positive", "negative"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_sentiment_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/sentiment"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[:2] == ["text", "model"]
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][2:])


def test_sentiment_reads_ten_thousand_characters(client):
    label, *_ = client.predict("It was a wonderful day. " * 420, MODEL, api_name="/sentiment")
    assert label["label"] == "positive"


def test_lines_come_back_as_a_table_and_as_csv(client):
    lines = ["I adore this song.", "", "The worst hotel ever.", '"Great", she said, and meant it.']
    table, path, *_ = client.predict("\n".join(lines), MODEL, api_name="/sentiment_lines")
    wanted = [line for line in lines if line]
    assert table["headers"] == ["text", "positive", "negative"]
    assert [row[0] for row in table["data"]] == wanted
    assert table["data"][0][1] > 0.5 > table["data"][1][1]
    with open(path, encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == table["headers"]
    assert [row[0] for row in rows] == wanted
    assert [float(row[1]) for row in rows] == [row[1] for row in table["data"]]


@pytest.mark.parametrize("api_name", ["/sentiment", "/sentiment_lines"])
@pytest.mark.parametrize(
    ("text", "model", "message"),
    [
        pytest.param("", MODEL, "Type", id="empty"),
        pytest.param(" \n ", MODEL, "Type", id="only space"),
        pytest.param("a" * 25_000, MODEL, "25,000", id="too long"),
        pytest.param("fine", "bert_huge", "bert_huge", id="unknown model"),
    ],
)
def test_what_is_wrong_is_explained(client, api_name, text, model, message):
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(text, model, api_name=api_name)
