"""Writes everyday sentences of a known sentiment: food, things, people, places, work, the weather.

It knows a small grammar of its own with negation and "but"; it knows no data set and no model.
"""

import csv
from pathlib import Path

import numpy as np

TEST = Path(__file__).parent / "everyday_test.tsv"

# Topics: what is spoken of, then words that praise and words that blame it.
TOPICS = {
    "food": (
        "food|meal|dinner|lunch|breakfast|soup|pizza|steak|salad|burger|cake|bread|coffee|tea|"
        "curry|pasta|fish|dessert|sandwich|rice|wine|sauce",
        "delicious|tasty|fresh|hot and fresh|tender|crisp|juicy|full of flavor|perfectly cooked|"
        "yummy|amazing|excellent|wonderful|superb|mouth-watering|rich and creamy|divine",
        "cold|stale|bland|burnt|soggy|greasy|overcooked|undercooked|tasteless|too salty|dry|raw|"
        "disgusting|awful|inedible|sour|rotten|watery|overpriced|horrible|nasty|lukewarm",
    ),
    "people": (
        "waiter|waitress|staff|driver|teacher|doctor|nurse|manager|cashier|neighbor|neighbors|"
        "host|guide|receptionist|boss|seller|landlord|barber|mechanic|dentist|colleague|crew|"
        "salesman|team|customer service|owner",
        "friendly|kind|helpful|polite|attentive|patient|welcoming|professional|lovely|honest|"
        "charming|generous|quick to help|knowledgeable|cheerful|thoughtful|caring|brilliant",
        "rude|unfriendly|unhelpful|slow|impatient|careless|arrogant|dishonest|lazy|incompetent|"
        "grumpy|ignorant|unprofessional|cold|hostile|useless|aggressive|mean|clueless|insulting",
    ),
    "things": (
        "phone|laptop|camera|player|battery|screen|keyboard|printer|car|bike|watch|vacuum|kettle|"
        "toaster|router|tablet|headphones|speaker|charger|software|app|website|update|game|lamp|"
        "chair|sofa|bed|mattress|tent|bag|backpack|toy|blender|oven|product|remote|tv|cable",
        "great|excellent|reliable|fast|sturdy|well made|easy to use|worth every penny|fantastic|"
        "solid|comfortable|light and handy|beautiful|superb|flawless|a bargain|as good as new|"
        "intuitive|powerful|responsive|long lasting|perfect|smooth|sleek|durable",
        "broken|defective|useless|slow|unreliable|flimsy|cheaply made|a waste of money|noisy|"
        "buggy|heavy and clumsy|hard to use|faulty|scratched|overpriced|uncomfortable|ugly|"
        "damaged|worthless|a piece of junk|dead on arrival|frustrating|terrible|fragile|cracked",
    ),
    "places": (
        "hotel|room|restaurant|café|beach|park|museum|garden|flat|apartment|bathroom|pool|gym|"
        "shop|hospital|school|city|village|view|campsite|airport|station|library|cinema|bar",
        "clean|spotless|beautiful|cozy|quiet|peaceful|charming|spacious|stunning|lovely|bright|"
        "well kept|comfortable|gorgeous|inviting|delightful|breathtaking|welcoming|relaxing",
        "dirty|filthy|noisy|cramped|smelly|crowded|shabby|dark and damp|run down|unsafe|dingy|"
        "depressing|overpriced|moldy|freezing|chaotic|disgusting|infested with bugs|a mess",
    ),
    "shows": (
        "movie|film|book|concert|show|play|story|acting|plot|ending|song|album|series|episode|"
        "lecture|speech|novel|soundtrack|dialogue|cast|script|performance|exhibition|match",
        "amazing|brilliant|funny|moving|gripping|touching|hilarious|captivating|thrilling|witty|"
        "beautiful|inspiring|clever|unforgettable|a masterpiece|superb|charming|a joy|stunning",
        "boring|dull|predictable|too long|silly|pointless|a mess|painful to watch|pretentious|"
        "confusing|awful|lifeless|a waste of time|unfunny|tedious|forgettable|wooden|terrible",
    ),
    "events": (
        "trip|vacation|weekend|party|wedding|flight|journey|evening|day|morning|meeting|interview|"
        "exam|delivery|service|experience|course|stay|visit|birthday|weather|date|job|check-in",
        "wonderful|fantastic|perfect|great fun|lovely|pleasant|smooth|unforgettable|fabulous|"
        "delightful|a success|relaxing|enjoyable|brilliant|exciting|magical|super|excellent",
        "terrible|awful|a disaster|stressful|horrible|exhausting|a nightmare|miserable|dreadful|"
        "ruined|disappointing|chaotic|unpleasant|a failure|boring|painful|a letdown|the worst",
    ),
}
HOW = "|very |really |so |absolutely |just |quite |truly |pretty |simply |incredibly |extremely |too "
HOW_GOOD = HOW.replace("|too ", "")
OPEN = "|||honestly, |to be honest, |overall, |well, |in my opinion, |i think |i must say "
WHO = "i|i|i|we|my wife|my husband|my son|my daughter|my friends|everyone|my mother|the kids"
WHEN = "|||||| today| yesterday| last night| again| this time| as always| from start to finish"
LIKES = (
    "love|like|adore|enjoy|really like|absolutely love|recommend|highly recommend|appreciate|"
    "am happy with|am very pleased with|am impressed by|can't get enough of|am so glad i bought|"
    "am delighted with|can recommend|am thrilled with|am in love with|am grateful for|"
    "couldn't be happier with|will never give up|have nothing but praise for"
)
DISLIKES = (
    "hate|dislike|regret|can't stand|really hate|am disappointed with|am unhappy with|"
    "am fed up with|am tired of|do not recommend|would not recommend|wouldn't recommend|"
    "am sick of|cannot recommend|am not happy with|don't like|didn't like|did not enjoy|"
    "didn't enjoy|am annoyed by|am angry about|could do without|have nothing good to say about|"
    "would never buy|regret buying|am not impressed by|never liked|complained about|returned"
)
DOES_WELL = (
    "works perfectly|works like a charm|exceeded my expectations|never lets me down|saved my day|"
    "made me smile|made my day|is the best i have ever had|is exactly what i needed|"
    "was better than expected|does everything i want|could not be better|never disappoints|"
    "is well worth the money|still works after years|was worth the wait|has changed my life|"
    "runs without any problems|was a pleasant surprise|gets better every time|is second to none|"
    "made us feel at home|keeps me happy|deserves five stars|works as promised|lasts for ages"
)
DOES_BADLY = (
    "broke after a week|stopped working|never works|doesn't work|does not work|failed again|"
    "let me down|ruined everything|is the worst i have ever had|was worse than expected|"
    "made me angry|made me sick|gave me a headache|fell apart|keeps failing|won't start|"
    "is not worth the money|isn't worth it|wasted my time|was a complete letdown|broke down|"
    "could have been much better|should be avoided|left a bad taste|makes me sad|made me cry|"
    "drives me crazy|deserves zero stars|died within a day|caused nothing but trouble|leaks"
)
HAPPY = """i am so happy|i feel great|thank you for everything|thanks, you are the best|well done|
congratulations on your new job|i passed my exam|i got the job|we won the game|good news at last|
the sun is shining|have a lovely day|i had a great time|we had so much fun|it made me laugh|
i will definitely come back|we will be back soon|i would buy it again|i would go there again|
everything went smoothly|everything was perfect|no complaints at all|not a single problem|
it couldn't be better|nothing to complain about|you can't go wrong with it|buy it, you won't regret it|
i feel much better now|the pain is gone|they fixed it in no time|they gave me a full refund|
it arrived early|it came a day early|fast shipping and great service|the kids loved it|
my family loved every minute|i can't wait to see it again|i look forward to it every week|
they answered all of my questions|she helped me a lot|he was kind to me|what a lovely surprise|
i got a promotion|my dog makes me happy|i slept like a baby|it fits perfectly|great value|
money well spent|five stars|two thumbs up|highly recommended|keep up the good work|
best purchase of the year|a real bargain|i enjoyed every bite|i would happily pay more for it|
it is hard to find anything wrong with it|i have never been so happy|never been better|
i can't praise it enough|i could watch it all day|i didn't want it to end|i was not disappointed|
i have never had a problem with it|it has never let me down|the baby finally sleeps|
they remembered my name|the nurse held my hand|we laughed all evening|life is good|
free upgrade to a bigger room|he brought me flowers|she smiled at me|you look great today|
the upgrade solved all my problems|my skin feels soft|i finished it in one sitting|
the seats were soft and roomy|everyone cheered|i am proud of my team|my friends surprised me"""
SAD = """i am so angry|i feel terrible|i feel sick|i am very upset|nobody helped us|never again|
what a disappointment|what a waste of money|i want my money back|they never called back|
they ignored my emails|nobody answered the phone|i was on hold for two hours|i waited for hours|
i waited an hour for a table|my order never arrived|the parcel was lost|it arrived broken|
it arrived late and damaged|the box was empty|they sent the wrong size|they charged me twice|
they overcharged us|they lost my luggage|my flight was cancelled|the train was late again|
i missed my bus|i lost my keys|i lost my job|i failed my exam|my car broke down|my bike was stolen|
it was raining all week|the heating was broken|there was no hot water|the wifi did not work|
the toilet was blocked|there was mold on the walls|i found a hair in my food|i found a fly in my soup|
it made me ill|i got food poisoning|my stomach hurts|i have a headache|i can't sleep|i feel lonely|
i am worried and tired|i cried all night|he never says sorry|she shouted at me|he lied to us|
they cheated me|they refused to help|they would not let us in|we had to leave early|we left hungry|
i walked out after ten minutes|i fell asleep halfway through|i couldn't finish it|
i can't wait for it to be over|i threw it in the bin|i had to send it back|i asked for a refund|
no refund was given|stay away from this place|avoid at all costs|do not buy this|don't waste your money|
don't bother|save your money|one star|zero stars|two thumbs down|not worth it|nothing works|
nothing went right|everything went wrong|it is a scam|total rip off|a complete joke|
it keeps freezing|it crashes all the time|it gets too hot|it drains the battery|it is full of bugs|
the instructions make no sense|the buttons are stuck|parts were missing|it smells bad|
it is too small to read|the sound is too quiet|the price doubled|it costs far too much|
i expected more|i expected better|it could be better|not what i ordered|not as described|
i have never been so disappointed|worst purchase ever|i will never come back|i won't be back|
we will not return|i would give it no stars if i could|there was nothing good about it|
my neighbor's dog barks all night|the traffic was at a standstill|they kept us waiting"""


def sentences(count, seed):
    """(texts, labels): `count` sentences drawn by `seed`, label 1 positive; none of the test's."""
    rng = np.random.default_rng(seed)
    kept_out = {_plain(text) for text in test_sentences()[0]}
    texts, labels = [], []
    while len(texts) < count:
        label = int(rng.integers(2))
        text = _dress(_sentence(rng, label), rng)
        if _plain(text) not in kept_out:
            texts.append(text)
            labels.append(label)
    return texts, np.array(labels)


def test_sentences():
    """(texts, labels) of the small table of everyday sentences that no training sees."""
    with TEST.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row["text"] for row in rows], np.array([int(row["label"]) for row in rows])


def _plain(text):
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _pick(rng, words):
    options = words.split("|")
    return options[rng.integers(len(options))].strip("\n")


def _sentence(rng, label):
    kind = rng.choice(6, p=(0.3, 0.14, 0.14, 0.12, 0.2, 0.1))
    if kind == 4:
        return _pick(rng, HAPPY if label else SAD)
    if kind == 5:
        return _exclamation(rng, label)
    clause, topic = (_states, _feels, _acts, _compares)[kind], _topic(rng)
    if rng.random() < 0.2:  # the clause after "but" decides
        return f"{clause(rng, 1 - label, topic)}{_pick(rng, BUT)}{_states(rng, label, topic)}"
    text = _pick(rng, OPEN) + clause(rng, label, topic)
    if rng.random() < 0.25:
        second = (_states, _acts)[rng.integers(2)]
        text += _pick(rng, " and | and |, |. ") + second(rng, label, topic)
    return text


BUT = ", but | but |. but |, however |, but in the end "


def _topic(rng):
    return TOPICS[list(TOPICS)[rng.integers(len(TOPICS))]]


def _states(rng, label, topic):
    """Subject, be, word: "the soup was not very good"; a negated word turns the meaning."""
    nouns, good, bad = topic
    subject = _pick(rng, "the|the|the|my|our|this|their") + " " + _pick(rng, nouns)
    if rng.random() < 0.3:
        plain = "good|great|bad|nice|well made|interesting|clean|friendly|helpful|funny|fresh"
        return f"{subject} {_negated(rng, label, plain, good, bad)}{_pick(rng, WHEN)}"
    word = _pick(rng, good if label else bad)
    how = _pick(rng, HOW_GOOD if label else HOW) if not word.startswith(("a ", "the ")) else ""
    both = f" and {_pick(rng, good if label else bad)}" if rng.random() < 0.25 else ""
    return f"{subject} {_pick(rng, 'is|was|was')} {how}{word}{both}{_pick(rng, WHEN)}"


def _negated(rng, label, plain, good, bad):
    if label:
        word = _pick(rng, "bad|disappointing|boring|a problem|terrible|" + bad)
        never = _pick(rng, "is not|isn't|was not|wasn't|was never|is never|wasn't at all")
        return f"{never} {_pick(rng, '||that |too |even ')}{word}{_pick(rng, '|| at all')}"
    word = _pick(rng, plain.replace("|bad", "") + "|" + good)
    never = _pick(rng, "is not|isn't|was not|wasn't|was never|is never|was hardly|was anything but")
    how = _pick(rng, "|||very |really |that |particularly |as good as it looks, not ")
    return f"{never} {how}{word}{_pick(rng, '||| at all| enough')}"


def _feels(rng, label, topic):
    nouns, good, bad = topic
    word = _pick(rng, good if label else bad)
    one = _pick(rng, "this|the|my new|their") + " " + _pick(rng, nouns)
    end = f", it is {word}" if rng.random() < 0.3 else ""
    return f"i {_pick(rng, LIKES if label else DISLIKES)} {one}{end}"


def _acts(rng, label, topic):
    nouns = topic[0]
    subject = _pick(rng, "the|this|my|our|it|it")
    subject = subject if subject == "it" else f"{subject} {_pick(rng, nouns)}"
    return f"{subject} {_pick(rng, DOES_WELL if label else DOES_BADLY)}{_pick(rng, WHEN)}"


def _compares(rng, label, topic):
    nouns = topic[0]
    noun = _pick(rng, nouns)
    best = _pick(rng, "best|nicest|greatest|finest" if label else "worst|poorest|dullest|saddest")
    more = _pick(rng, "better|nicer|much better" if label else "worse|uglier|much worse")
    forms = (
        f"this is the {best} {noun} {_pick(rng, WHO)} ever had",
        f"one of the {best} {noun}s ever",
        f"the {noun} is {more} than the old one",
        f"{_pick(rng, 'better' if label else 'worse')} than any {noun} i have seen",
        f"{_pick(rng, WHO)} had a {_pick(rng, 'great' if label else 'bad')} time because of the {noun}",
    )
    return forms[rng.integers(len(forms))]


def _exclamation(rng, label):
    nouns, good, bad = _topic(rng)
    word = _pick(rng, good if label else bad)
    article = "" if word.startswith(("a ", "the ")) else "a " if word[0] not in "aeiou" else "an "
    forms = (
        f"what {article}{word} {_pick(rng, nouns)}",
        f"{word}",
        f"{_pick(rng, HOW_GOOD if label else HOW)}{word}",
        f"not {_pick(rng, 'bad' if label else 'good|great|nice')}{_pick(rng, '| at all')}",
        f"such {article}{word} {_pick(rng, nouns)}",
        f"never {_pick(rng, 'disappointing|boring|dull' if label else 'good|fresh|on time|clean')}",
    )
    return forms[rng.integers(len(forms))]


def _dress(text, rng):
    """Upper or lower case at the start, some mark or none at the end."""
    text = text.strip()
    return (text.capitalize() if rng.random() < 0.5 else text) + _pick(rng, ".|.|!| .||!!|...")
