"""Words that open a question with a capital and are no names, number words, and words that begin a name without one."""

from __future__ import annotations

from collections.abc import Mapping

from retrieval.types import Language

OPENERS: Mapping[Language, frozenset[str]] = {
    "fr": frozenset(
        "qui que qu quoi quel quelle quels quelles quand comment combien pourquoi où ou à a au aux lequel laquelle lesquels "
        "lesquelles est es sont était étaient fut sera y il elle ils elles on je j tu nous vous ce c cet cette ces cela ça "
        "le la les l un une des du de d dans sur sous par pour avec sans chez vers en depuis pendant selon entre parmi jusqu "
        "jusque dès lors après avant malgré grâce contre outre hormis et mais donc or ni car si s se mon ma mes ton ta tes son "
        "sa ses notre nos votre vos leur leurs ai as avons avez ont avait peut peux peuvent puis pouvez pouvons peut-on doit "
        "dois doivent faut fait font existe existe-t-il suis donne donnez donner liste listez lister cite citez citer explique "
        "expliquez expliquer décris décrivez décrire définis définissez définir compare comparez comparer présente présentez "
        "présenter indique indiquez indiquer dis dites dire montre montrez trouve trouvez cherche résume résumez précise "
        "précisez énumère énumérez nomme nommez quelqu rien pouvez-vous peux-tu pourriez pourrais pourriez-vous sais savez "
        "savez-vous sais-tu saurais sauriez bonjour bonsoir salut merci question petite besoin toutes tous toute tout quelques "
        "chaque aucun aucune plusieurs autre autres même ici là oui non serait serait-il m t n puis-je dois-je ai-je "
        "est-ce est-il est-elle sont-ils sont-elles faut-il peut-il doit-on y-a-t-il a-t-il a-t-on différence définition "
        "concernant quant côté sinon alors ainsi enfin comme parce bien plus moins très auriez aurais voudriez "
        "souhaitez sait lit confirmez confirme rappelle rappelez "
        "suppose imagine veuillez quiconque suivant durant face vu étant lorsque puisque au-delà au-dessus au-dessous hors envers "
        "malgré moyennant outre passé voici voilà".split()
    ),
    "en": frozenset(
        "what what's whats who who's whos whom whose which when when's where where's why why's how how's is are am was were be "
        "been do does did has have had can could will would shall should may might must the a an this that these those it its "
        "it's he she they we you i my your his her our their in on at by for with from to of off into over under about after "
        "before between during since until through within without against among and or but if so as than because while "
        "list name give tell show describe define explain compare find cite mention state identify summarise summarize "
        "please hi hello hey thanks thank quick question regarding concerning there here all any each every some many much "
        "more most no not yes other another both either neither i'd i'm i'll i've let let's one whether up out according "
        "remind state confirm along amid amongst across above below beyond following throughout "
        "together apart aside instead given using via per like unlike toward towards upon onto around outside inside "
        "approximately besides despite except near isn't aren't doesn't don't didn't can't wasn't weren't "
        "looking need want excuse pardon hence any anything difference definition meaning".split()
    ),
}
NUMBERS: Mapping[Language, frozenset[str]] = {
    "fr": frozenset(
        "zéro deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante "
        "cinquante soixante cent cents mille million millions milliard milliards premier première premiers premières second "
        "seconde deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième dernier dernière derniers "
        "dernières double triple moitié tiers quart janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre lundi mardi mercredi jeudi vendredi samedi dimanche hier demain".split()
    ),
    "en": frozenset(
        "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion first second third "
        "fourth fifth sixth seventh eighth ninth tenth last twice double triple half quarter yesterday tomorrow".split()
    ),
}
"""Numbers in words, months and days; English months and days are names."""
