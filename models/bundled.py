"""The models that ship with the app, trained by the recipes of the same names: a row each."""

from models.rows import Model

DRAWN = "68 things of the picture-book world, drawn"
MODELS = (
    Model(
        id="efficientnetv2_caltech101",
        capability="classification",
        title="EfficientNetV2 · photos of 101 kinds",
        task="keras_hub.models:ImageClassifier",
        knows="101 kinds of things in photos, from accordion to yin yang",
        limits="One thing to a picture; it names the nearest of its 101 kinds even for what it "
        "never saw.",
        trained_on="Caltech-101 photos",
        licence="CC BY 4.0",
    ),
    Model(
        id="resnet_cifar10",
        capability="classification",
        title="ResNet · photos of 10 kinds",
        task="models.architectures.whitened_resnet:WhitenedResNetImageClassifier",
        knows="airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck",
        limits="It sees 32 x 32 pixels, so fine detail is lost; it looks at the mirror image too.",
        trained_on="CIFAR-10 photos",
        licence="research data set, Krizhevsky 2009",
    ),
    Model(
        id="efficientnetv2_picture_book",
        capability="classification",
        title="EfficientNetV2 · drawings",
        task="keras_hub.models:ImageClassifier",
        knows=DRAWN,
        limits="Drawn things only; for photos choose a photo model.",
        trained_on="rendered picture-book scenes",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
    Model(
        id="retinanet_picture_book",
        capability="detection",
        title="RetinaNet · drawings",
        task="keras_hub.models:ObjectDetector",
        knows=DRAWN,
        limits="Drawn things only, not photos.",
        trained_on="rendered picture-book scenes",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
    Model(
        id="stable_diffusion_picture_book",
        capability="text_to_image",
        title="Stable Diffusion, small · drawings",
        task="models.architectures.stable_diffusion:StableDiffusion",
        knows=DRAWN + ", in ten settings",
        limits="One thing comes out best; of two, one may be missing, drawn twice or on the wrong "
        "side, and more may merge. Pictures of 256 x 256 pixels.",
        trained_on="rendered picture-book scenes and their captions",
        licence="Apache-2.0 (Noto Emoji art)",
        guidance=4.0,  # with more, colours are too bright and shapes too hard
        exact=True,  # in bfloat16 drawings of 128 pixels were 0.5 to 15 grey levels of 255 away
    ),
    Model(
        id="bert_tiny_reviews",
        capability="sentiment",
        title="BERT, tiny · reviews",
        task="keras_hub.models:TextClassifier",
        knows="English opinions of films, products and everyday things",
        limits="English only; irony is lost on it.",
        trained_on="film and product reviews, everyday sentences and GloVe's word vectors",
        licence="CC BY 4.0, PDDL 1.0",
    ),
    Model(
        id="gpt2_tiny_stories",
        capability="text_generation",
        title="GPT-2, tiny · stories",
        task="keras_hub.models:CausalLM",
        knows="short stories of the picture-book world",
        limits="Stories only, no facts and no answers; one in fifty mixes up a name.",
        trained_on="picture-book stories from our own grammar",
        licence="Apache-2.0",
    ),
    Model(
        id="gpt2_tiny_shakespeare",
        capability="text_generation",
        title="GPT-2, tiny · Shakespeare",
        task="keras_hub.models:CausalLM",
        knows="the sound of Shakespeare's plays",
        limits="It has the manner, not the meaning; one word in thirty is in none of the plays.",
        trained_on="Shakespeare's plays",
        licence="public domain",
    ),
    Model(
        id="gru_attention_picture_book",
        capability="captioning",
        title="CNN, GRU and attention · drawings",
        task="models.architectures.captioner:Captioner",
        knows=DRAWN + ", where they are and how they stand",
        limits="Drawn scenes only, not photos. Of what it says of numbers and places, one in "
        "twelve is wrong.",
        trained_on="rendered picture-book scenes and their captions",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
)
