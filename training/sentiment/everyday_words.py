"""The words of the everyday grammar: what is spoken of, praise, blame, and the words between.

It knows no grammar. Choices are parted by |; an empty one means that nothing stands there.
"""

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
HOW = (
    "|very |really |so |absolutely |just |quite |truly |pretty |simply |incredibly |extremely |too "
)
HOW_GOOD = HOW.replace("|too ", "")
OPEN = "|||honestly, |to be honest, |overall, |well, |in my opinion, |i think |i must say "
BUT = ", but | but |. but |, however |, but in the end "
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
it couldn't be better|nothing to complain about|you can't go wrong with it|
buy it, you won't regret it|i feel much better now|the pain is gone|they fixed it in no time|
they gave me a full refund|it arrived early|it came a day early|fast shipping and great service|
the kids loved it|my family loved every minute|i can't wait to see it again|
i look forward to it every week|they answered all of my questions|she helped me a lot|
he was kind to me|what a lovely surprise|i got a promotion|my dog makes me happy|
i slept like a baby|it fits perfectly|great value|money well spent|five stars|two thumbs up|
highly recommended|keep up the good work|best purchase of the year|a real bargain|
i enjoyed every bite|i would happily pay more for it|it is hard to find anything wrong with it|
i have never been so happy|never been better|i can't praise it enough|i could watch it all day|
i didn't want it to end|i was not disappointed|i have never had a problem with it|
it has never let me down|the baby finally sleeps|they remembered my name|the nurse held my hand|
we laughed all evening|life is good|free upgrade to a bigger room|he brought me flowers|
she smiled at me|you look great today|the upgrade solved all my problems|my skin feels soft|
i finished it in one sitting|the seats were soft and roomy|everyone cheered|i am proud of my team|
my friends surprised me|the garden is full of flowers|we finally moved into our dream house|
my mom made my favorite cake|the operation went well|the fever is down|he said yes|she forgave me|
we are getting married|our team finished on time|the boss praised my work|i got a raise|
i learned so much from her|the class was fun and useful|he explained it clearly|
the homework was easy|i got an a in math|grandpa told us funny stories|the puppy licked my face|
the cat purrs on my lap|we danced all night|the fireworks lit up the sky|
snow fell and the kids cheered|the water was warm and clear|the driver waited for us|
they carried our bags upstairs|breakfast in bed was a treat|the bed was soft and i slept well|
the tickets were cheap|we found a great deal|it was on sale|the waiter brought free dessert|
the portions were generous|every dish was a hit|i licked the plate|it melts in your mouth|
smells heavenly|it looks even better in person|the color is gorgeous|it charges in minutes|
the sound is crystal clear|the pictures are sharp and bright|it starts at once|
the update made it faster|setup took two minutes|the manual is clear|everyone asks where i got it|
i bought two more for my friends|my husband uses it every day|it saves me a lot of time|
i laughed until i cried|it brought tears of joy|i hummed the tune for days|i read it twice|
the ending gave me goosebumps|what a performance|a must see|a real page turner|pure joy|
time flew by|they replaced it for free|support answered within minutes|he went the extra mile|
she listened to me|they treated us like family|a warm welcome|you saved me|
that was so sweet of you|i owe you one|good job everyone|this is awesome|so cool|yay|hooray|bravo|
cheers|perfect|i am thrilled|i am relieved|i am grateful|i am lucky to have you|you make me laugh|
best day of my life|dreams come true|my knee no longer hurts|i ran my best time|
we beat the record|the baby smiled|love it|loved it|i could not be more pleased|
nothing but good memories|no regrets|without any trouble at all|it is better than i hoped|
it did not let me down|there is no better place to relax"""
SAD = """i am so angry|i feel terrible|i feel sick|i am very upset|nobody helped us|never again|
what a disappointment|what a waste of money|i want my money back|they never called back|
they ignored my emails|nobody answered the phone|i was on hold for two hours|i waited for hours|
i waited an hour for a table|my order never arrived|the parcel was lost|it arrived broken|
it arrived late and damaged|the box was empty|they sent the wrong size|they charged me twice|
they overcharged us|they lost my luggage|my flight was cancelled|the train was late again|
i missed my bus|i lost my keys|i lost my job|i failed my exam|my car broke down|
my bike was stolen|it was raining all week|the heating was broken|there was no hot water|
the wifi did not work|the toilet was blocked|there was mold on the walls|
i found a hair in my food|i found a fly in my soup|it made me ill|i got food poisoning|
my stomach hurts|i have a headache|i can't sleep|i feel lonely|i am worried and tired|
i cried all night|he never says sorry|she shouted at me|he lied to us|they cheated me|
they refused to help|they would not let us in|we had to leave early|we left hungry|
i walked out after ten minutes|i fell asleep halfway through|i couldn't finish it|
i can't wait for it to be over|i threw it in the bin|i had to send it back|i asked for a refund|
no refund was given|stay away from this place|avoid at all costs|do not buy this|
don't waste your money|don't bother|save your money|one star|zero stars|two thumbs down|
not worth it|nothing works|nothing went right|everything went wrong|it is a scam|total rip off|
a complete joke|it keeps freezing|it crashes all the time|it gets too hot|it drains the battery|
it is full of bugs|the instructions make no sense|the buttons are stuck|parts were missing|
it smells bad|it is too small to read|the sound is too quiet|the price doubled|
it costs far too much|i expected more|i expected better|it could be better|not what i ordered|
not as described|i have never been so disappointed|worst purchase ever|i will never come back|
i won't be back|we will not return|i would give it no stars if i could|
there was nothing good about it|my neighbor's dog barks all night|the traffic was at a standstill|
they kept us waiting|the garden is full of weeds|we had to cancel our holiday|i burnt the cake|
the operation failed|the fever is getting worse|he said no|she left me|we are getting divorced|
our team lost again|the boss yelled at me|i got fired|my pay was cut|i learned nothing|
the class was a waste|he mumbled and nobody understood him|the homework was impossible|
i got an f in math|the dog bit me|the cat ruined the couch|we argued all night|
the noise kept us awake|it rained on our wedding day|the water was cold and muddy|
the driver ignored us|they laughed at me|they left our bags in the rain|breakfast was tiny|
the bed was hard and i slept badly|the tickets cost a fortune|we were robbed|
it was a trap for tourists|the waiter forgot our order|the portions were tiny|
every dish was a miss|i could not swallow it|it made my mouth burn|smells like a wet dog|
it looks much worse in person|the color is ugly|it takes forever to charge|the sound is muffled|
the pictures are blurry|it will not turn on|the update made it slower|setup took all day|
the manual is useless|i want to return it|i gave it away|it gathers dust in a drawer|
my husband hates it|it wastes my time|i yawned the whole time|it bored me to tears|
i closed my ears|i gave up after ten pages|the ending ruined it|what a mess|skip it|
a real snoozefest|pure torture|time dragged on|they would not replace it|support never replied|
he did not lift a finger|she did not listen to me|they treated us like dirt|a cold welcome|
you let me down|how could you|that was so mean of you|shame on you|this sucks|so lame|ugh|yuck|
gross|boo|i am furious|i am heartbroken|i am scared|i am ashamed|i am bored|you make me sick|
worst day of my life|a nightmare come true|my knee hurts more than ever|i came in last|
we lost the final|the baby cried all night|hate it|hated it|i could not be more upset|
nothing but bad memories|so many regrets|nothing but trouble|it is worse than i feared|
it let me down again|there is no worse place to stay|i was charged for nothing|the roof leaks|
the elevator was out of order|the line was endless|someone stole my phone|the milk had gone off|
my luggage never came|the bill was wrong|nobody said sorry|i got sunburnt"""
