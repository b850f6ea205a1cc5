"""Every endpoint has the name and the parameters that clients rely on."""

ENDPOINTS = {
    "/classify": ["image", "model", "top_k"],
    "/detect": ["image", "model", "confidence", "iou"],
    "/augment": ["images", "layers", "seed", "count"],
    "/fine_tune": ["pictures", "classes", "image", "model"],
    "/text_to_image": [
        "prompt",
        "negative_prompt",
        "model",
        "steps",
        "guidance_scale",
        "batch_size",
        "seed",
    ],
    "/edit": ["prompt", "edited_prompt", "negative_prompt", "model"],
    "/sentiment": ["text", "model"],
    "/generate": [
        "prompt",
        "model",
        "max_length",
        "sampler",
        "temperature",
        "top_k",
        "top_p",
        "seed",
    ],
    "/caption": ["image", "model", "count", "seed"],
}


def test_every_endpoint_has_its_name_and_parameters(client):
    described = client.view_api(return_format="dict")["named_endpoints"]
    for name, parameters in ENDPOINTS.items():
        given = [each["parameter_name"] for each in described[name]["parameters"]]
        assert given[: len(parameters)] == parameters, name
        rest = described[name]["parameters"][len(parameters) :]
        assert all(each["parameter_has_default"] for each in rest), name
