"""English verbs, participles and adjectives: what may follow a name in a question, where a noun would continue it."""

from __future__ import annotations

VERBS = frozenset(
    "accept access act add address adopt affect aim allow answer appear apply argue arrive ask attach attack attend attract "
    "authenticate back base be become begin believe belong bind block break bring build buy cache call care carry catch cause "
    "change charge check choose claim close collect combine come communicate compare compete compile complete compress "
    "concern conclude conduct configure connect consider consist contain continue contribute control convert cost count cover "
    "create cross cut deal decide declare decline define delete deliver demand deny depend deploy derive describe design "
    "destroy detect determine develop die differ direct discover discuss display distribute do drop earn elect emerge employ "
    "enable encounter encourage encrypt end enforce enter establish estimate evolve exist expand expect experience explain "
    "export expose express extend face fail fall favor favour feature feed feel fight file fill finance find finish fit fix "
    "focus follow force form found fund gain generate get give go govern grow handle happen hate have head hear help hit hold "
    "host identify implement import improve include increase indicate influence inspire install integrate intend introduce "
    "invade invent invest issue join keep kill know lack last launch lead learn leave let license listen live load lock log look "
    "lose love maintain make manage mark marry match mean measure meet mention merge monitor move name need negotiate "
    "note obtain occur offer open operate oppose order organize originate own parse pass pay perform permit place plan play "
    "point possess practice prefer prepare prescribe present prevent process produce promise promote propose protect prove "
    "provide publish purchase push put query quit raise reach react read realize receive recognize recommend record recover "
    "reduce refer refuse regard regulate reject relate release rely remain remove rename replace replicate report represent "
    "request require resemble resign resolve respond rest restore restrict result retain retire return reveal rise rotate rule "
    "run save say scale search secure see seek sell send separate serve set settle share ship show shut sign sing sit spend "
    "sponsor spread stand star start state stay stem stop store stream study submit succeed suffer suggest supply support "
    "surrender survive switch take target teach tell terminate test think transfer translate travel treat try turn understand "
    "undergo unite update use validate value verify view visit vote want watch wear win wish work write".split()
)
_PARTICIPLES = (
    "become been begun bound bought brought broken built called caught chosen come cut done drawn driven fallen felt found "
    "fought given gone got grown had heard held hidden hit kept known laid led left lost made meant met paid put read run said "
    "seen sent set shot shown shut sold spent split spoken spread taken taught thought told understood won worn written born "
    "stolen sung sunk struck thrown eaten forgotten frozen"
)
_ADJECTIVES = (
    "able active adequate alive aware available bad better big capable cheap close common compatible complete considered "
    "credited dangerous dead different easy effective eligible equal equivalent expensive famous fast faster free full good "
    "hard hostile important independent interested known large larger legal like likely local long longer low mandatory modern "
    "native necessary new newer notable obligatory old older open part popular possible powerful present private proprietary "
    "public rare ready related reliable responsible safe same secure short similar slow slower small smaller suitable sure tall "
    "true unique useful valid visible vulnerable well wrong written younger"
)
_SMALL = (
    "in on at for from by with under about as to without within behind between a an the not no most more less so still also "
    "now then first last currently originally usually mainly primarily only ever just"
)
PREDICATES = frozenset(f"{_PARTICIPLES} {_ADJECTIVES} {_SMALL}".split())
"""What may follow "is" and a name, besides words in -ed, -ing and -ly."""
PARTICIPLES = frozenset(_PARTICIPLES.split())
