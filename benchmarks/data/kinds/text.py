"""Made-up sentences: real function words, and content words made of a language's syllables.

A few content words are frequent and most are rare (Zipf), as in natural text. Nobody wrote the sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

N_CONTENT_WORDS: Final = 4000
ZIPF_OFFSET: Final = 12
"""Weight of the word of rank r is 1 / (r + this)."""

CONTENT_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Function words, and the syllables of content words: each an onset, a nucleus and a coda."""

    function_words: str
    onsets: str
    nuclei: str
    codas: str


LANGUAGES: Final = {
    "en": Language(
        function_words=(
            "the a of and to in is was it for with he she they on at by from this that have had not but "
            "what we can out other were all there when up use your how said each which their time if will "
            "way about many then them some her would make like him into has look two more go see number "
            "no could people my than first water been call who now find long down day did get come made "
            "may part over new take only little work know place year live me back give most very after "
            "thing our just name good sentence man think"
        ),
        onsets="b br d dr f fl g gr h j k kl l m n p pl r s sh sl st t th tr v w bl cr gl sp",
        nuclei="a e i o u ea oo ai ou ee",
        codas="n t r l m nd st ck ss ng d p rt x - - -",
    ),
    "de": Language(
        function_words=(
            "der die das und in den von zu mit sich des auf ist im dem nicht ein eine als auch es an "
            "werden aus er hat dass sie nach wird bei einer um am sind noch wie einem so zum war haben "
            "nur oder aber vor zur bis mehr durch man sein wurde wenn unter wir soll ich ihr dieser hier "
            "kann alle ihre dann"
        ),
        onsets="b br d dr f fl g gr h k kl kr l m n p pf r s sch schl schw st str t tr w z",
        nuclei="a e i o u ei au ie eu ö ü ä",
        codas="n t r l m nd st ch ck ng s rt lt - - -",
    ),
    "fr": Language(
        function_words=(
            "le la les de des un une et est en que qui dans pour pas sur au avec ce il elle nous vous ils "
            "mais ou par plus son sa ses comme tout fait bien sans peut si leur même deux aussi cette on "
            "être avait sont ont faire était où entre encore très donc notre chez"
        ),
        onsets="b br ch d f fl g gr j l m n p pl pr r s t tr v c qu",
        nuclei="a e i o u ou on an in ai eau é è oi eu",
        codas="- - - - r l s t ge que ne te",
    ),
    "es": Language(
        function_words=(
            "el la los las de del un una y en que por con para no es se lo su al como más pero sus le ya "
            "o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo "
            "nos durante todos uno les ni contra otros ese eso ante ellos"
        ),
        onsets="b br c ch d f g gr j l ll m n p pr qu r s t tr v z",
        nuclei="a e i o u ia ie ue",
        codas="- - - - n s r l",
    ),
    "it": Language(
        function_words=(
            "il la lo i gli le di da un una e in che per con non si su come ma anche del della al alla "
            "sono era questo quella tutti molto quando dove ancora sempre poi se ci dopo senza prima mai "
            "fra nostro loro essere stato due tempo"
        ),
        onsets="b br c ch d f fr g gl l m n p pr qu r s sc st t tr v z",
        nuclei="a e i o u ia io ie",
        codas="- - - - - n r l s",
    ),
    "fi": Language(
        function_words=(
            "ja on ei se että hän oli joka mutta ovat niin kuin kun tai myös vain nyt jos mitä sitä minä "
            "sinä me he tämä siitä sen ole olla vielä kaikki sitten aina ennen jo koska täällä siellä"
        ),
        onsets="h j k l m n p r s t v",
        nuclei="a aa e ee i ii o u uu ä y ö ai ie uo yö ei",
        codas="- - - - n s l t",
    ),
    "cs": Language(
        function_words=(
            "a v se na je že s z do to o k i ve pro za by ale si po jako které od jeho však nebo byl jen "
            "už když při jsou podle mezi až tak co před ze více než také můj tady tam bude byla kde velmi "
            "ještě"
        ),
        onsets="b br c č d dr h hl k kr l m n p pr r ř s š st t tr v z ž",
        nuclei="a e i o u á é í ou ě",
        codas="- - - - n t r l k s v",
    ),
    "ru": Language(
        function_words=(
            "и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой от так "
            "о для ты же все тот мочь вы человек такой его сказать только или ещё бы себя один как уже до "
            "время если сам когда другой вот говорить наш мой знать"
        ),
        onsets="б бр в г гр д др ж з к кл л м н п пр р с ст т тр ф х ч ш",
        nuclei="а е и о у ы я ю",
        codas="- - - н т р л к с в м",
    ),
    "pl": Language(
        function_words=(
            "i w na z do nie się jest to że o jak ale po co za od przez tak był dla czy tylko już jego "
            "gdy być może ich przy jeszcze która bardzo oraz także kiedy pod sobie jednak więc tam"
        ),
        onsets="b br c cz d dr g gr h k kr l ł m n p pr r s sz st t tr w z ż",
        nuclei="a e i o u y ą ę ia ie",
        codas="- - - - n t r l k m",
    ),
    "nl": Language(
        function_words=(
            "de het een van en in is dat op te zijn met voor niet aan er om ook als dan maar bij nog door "
            "over uit ze tot hij naar heeft worden deze wel kan meer al werd hun was zo geen veel waar "
            "toen na onder mij"
        ),
        onsets="b br d dr g gr h k kl kr l m n p pl r s sch sl st t tr v w z",
        nuclei="a aa e ee i ie o oo u oe ij ou eu ui",
        codas="n t r l m k s ng cht st - - -",
    ),
    "ca": Language(
        function_words=(
            "el la els les de del un una i en que per amb no es com més però al seu va ser entre quan "
            "molt sense sobre també fins hi on des tot ells contra altres aquest aquella"
        ),
        onsets="b br c d f g gr j l ll m n p pr r s t tr v x",
        nuclei="a e i o u ia",
        codas="- - - - n s r l t",
    ),
    "hi": Language(
        function_words=(
            "और का की के में है से को पर यह वह एक नहीं हैं था थी लिए तो भी कर ने जो कि या हम "
            "आप मैं अब तक साथ बहुत कुछ जब तब यहाँ वहाँ"
        ),
        onsets="क ख ग घ च ज ट ड त द न प ब भ म र ल व स ह",
        nuclei="- ा ि ी ु ू े ो",
        codas="- - - - न र ल म त क",
    ),
    "te": Language(
        function_words="మరియు ఒక ఈ ఆ నేను మీరు అది ఇది వారు కాదు ఉంది కూడా అని లో కి తో నుండి వరకు ఇప్పుడు అప్పుడు చాలా",
        onsets="క గ చ జ ట డ త ద న ప బ మ ర ల వ స హ",
        nuclei="- ా ి ీ ు ూ ె ే ొ ో",
        codas="- - - - ం",
    ),
}


@cache
def content_words(language: str) -> tuple[str, ...]:
    """Return the made-up content words of a language, the most frequent first."""
    parts = LANGUAGES[language]
    onsets, nuclei, codas = parts.onsets.split(), parts.nuclei.split(), parts.codas.split()
    rng = np.random.default_rng(list(language.encode()))
    words: dict[str, None] = {}
    while len(words) < N_CONTENT_WORDS:
        n_syllables = 1 + int(rng.choice(4, p=[0.2, 0.45, 0.25, 0.1]))
        syllables = [rng.choice(part) for _ in range(n_syllables) for part in (onsets, nuclei, codas)]
        words["".join(syllables).replace("-", "")] = None
    return tuple(words)


def sentence(rng: np.random.Generator, language: str) -> str:
    """Return a sentence of 6 to 15 words."""
    function_words = LANGUAGES[language].function_words.split()
    content = content_words(language)
    weights = 1 / (np.arange(len(content)) + ZIPF_OFFSET)
    n_words = int(rng.integers(6, 16))
    chosen = [
        content[int(rng.choice(len(content), p=weights / weights.sum()))]
        if rng.random() < CONTENT_SHARE
        else str(rng.choice(function_words))
        for _ in range(n_words)
    ]
    if n_words > 9:
        chosen[n_words // 2] += ","
    return " ".join(chosen).capitalize() + str(rng.choice([".", ".", ".", "?"]))


def sentences(rng: np.random.Generator, language: str, n_words: int) -> list[str]:
    """Return sentences of at least so many words in all."""
    made: list[str] = []
    while sum(len(one.split()) for one in made) < n_words:
        made.append(sentence(rng, language))
    return made
