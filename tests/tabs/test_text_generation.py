"""The tab that continues a text: its endpoint through a real client, and what it refuses."""

import pytest
from gradio_client.exceptions import AppError

from models import catalog

STORIES = "gpt2_tiny_stories"
SENT = {
    "prompt": "A penguin named Otto",
    "model": STORIES,
    "max_length": 30,
    "sampler": "top_p",
    "temperature": 0.8,
    "top_k": 5,
    "top_p": 0.9,
    "seed": 7,
}


def generate(client, **changes):
    """The text, the endpoint's first output."""
    return client.predict(**{**SENT, **changes}, api_name="/generate")[0]


@pytest.mark.parametrize("row", catalog.of("text_generation"), ids=lambda row: row.id)
def test_every_model_continues_the_prompt(client, row):
    text = generate(client, model=row.id)
    assert text.startswith(SENT["prompt"]) and len(text) > len(SENT["prompt"]) + 10


@pytest.mark.parametrize("sampler", ["top_p", "top_k", "greedy", "beam", "contrastive"])
def test_every_sampler_gives_the_same_text_for_the_same_seed(client, sampler):
    first, second = (generate(client, sampler=sampler, max_length=12) for _ in range(2))
    assert first == second and len(first) > len(SENT["prompt"])


def test_the_text_is_streamed(client):
    job = client.submit(**{**SENT, "max_length": 120}, api_name="/generate")
    last = job.result(timeout=120)[0]
    seen = [output[0] for output in job.outputs()]
    assert len(seen) >= 3 and seen[-1] == last
    assert len(set(seen)) == len(seen) or seen[0] == SENT["prompt"]
    assert all(text.startswith(SENT["prompt"]) for text in seen)


def test_generate_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/generate"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[: len(SENT)] == list(SENT)
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][8:])


@pytest.mark.parametrize(
    "prompt", ["狐狸住在森林里", "😀" * 20, "\x00a\ud800b", "zebra\tquagga \\n"]
)
def test_any_characters_are_taken(client, prompt):
    prompt = prompt.replace("\ud800", "")  # JSON has no lone surrogates
    assert len(generate(client, prompt=prompt)) > len(prompt) - 1


def test_a_very_long_prompt_is_read_from_its_end(client):
    prompt = "the fox ran " * 830
    text, _, line, _ = client.predict(**{**SENT, "prompt": prompt}, api_name="/generate")
    assert text.startswith(prompt.strip()) and len(text) > len(prompt)
    assert "sees at once" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"prompt": ""}, "empty", id="no prompt"),
        pytest.param({"prompt": "  \n "}, "empty", id="a blank prompt"),
        pytest.param({"model": "gpt5"}, "gpt5", id="unknown model"),
        pytest.param({"sampler": "psychic"}, "psychic", id="unknown sampler"),
        pytest.param({"max_length": 0}, "Length, in new tokens goes from 1", id="no tokens"),
        pytest.param(
            {"max_length": 10_000}, "Length, in new tokens goes from 1", id="too many tokens"
        ),
        pytest.param({"temperature": 0}, "Temperature goes from 0.05", id="no temperature"),
        pytest.param({"seed": -3}, "Seed goes from 0", id="a negative seed"),
    ],
)
def test_generate_explains_what_is_wrong(client, arguments, message):
    with pytest.raises((AppError, ValueError), match=message):
        generate(client, **arguments)
