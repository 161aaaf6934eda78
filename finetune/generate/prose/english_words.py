"""English word lists: verbs with their base form, what happens once, people, things."""

from __future__ import annotations

import re

_IRREGULAR = (
    "began begin,became become,wrote write,won win,built build,left leave,led lead,made "
    "make,took take,gave give,sold sell,bought buy,"
    "met meet,fought fight,broke break,fell fall,rose rise,grew grow,found find,lost "
    "lose,held hold,ran run,came come,went go,sent send,"
    "brought bring,drew draw,shot shoot,stood stand,taught teach,wore wear,chose "
    "choose,spent spend,got get,sang sing,struck strike,"
    "flew fly,drove drive,paid pay,laid lay,rebuilt rebuild,rewrote rewrite,withdrew "
    "withdraw,undertook undertake,overthrew overthrow"
)
_REGULAR_E = (
    "release create introduce acquire move produce receive serve publish_ announce replace declare change close "
    "purchase merge_ retire invade compose conceive graduate acknowledge arrive_ die resume advance execute "
    "terminate propose promote decide revive_ reissue complete separate dissolve celebrate debut_ divide reduce "
    "achieve adopt_ expire cease survive unite donate relocate nominate inaugurate issue surpass_ name unveil_ "
    "launch_ organise organize authorise authorize liberate require observe explore describe translate illustrate "
    "rule love_ cause force_ damage restore rescue emigrate_ conclude propose inspire replace trade expire escape "
    "combine originate migrate emigrate accumulate dedicate postpone retire schedule_ emerge stage advise file "
    "invite reintroduce rejoin_ erase deliver_ evacuate initiate evolve_ emerge premiere continue_ rename "
    "reorganize reorganise secure capture_ resign_ operate use double abdicate"
).split()
_REGULAR_ED = (
    "attend erect rank_ grant offer restor_ persuad_ annex appeal repeal reopen recover depart return assault "
    "enlist switch push press pass_ cross reject accept adapt attempt sentence_ propos_ request_ support_ "
    "contract export import inherit succeed proceed extend descend ascend amend defend expel_ relaunch embark "
    "sail land arrest protest debunk consult result_ discontinu_ select collect connect predict_ renovat_ "
    "transform perform inform confirm renew review borrow follow_ form reform found launch publish establish "
    "discover invent develop design paint direct record sign join open win_ construct construct appear adopt "
    "elect abolish conquer defeat attack destroy visit return marry_ end start finish debut present perform award "
    "obtain form open expand enter extend abandon ratify_ pass enact suspend film star feature reach assist "
    "appoint crown murder assassinate_ convert report_ collapse_ surrender happen occur resign retain gain "
    "demolish unveil restart launch invest surpass explain host air represent"
).split()
_DOUBLED = (
    "stop stopped,plan planned,commit committed,transfer transferred,ban banned,drop "
    "dropped,admit admitted,refer referred"
).split(",")
_Y = "marry carry occupy ratify study apply bury".split()

BASE: dict[str, str] = dict(pair.split(" ") for pair in _IRREGULAR.split(","))
BASE |= {f"{verb}d": verb for verb in _REGULAR_E if not verb.endswith("_")}
BASE |= {f"{verb}ed": verb for verb in _REGULAR_ED if not verb.endswith("_")}
BASE |= {pair.split(" ")[1]: pair.split(" ")[0] for pair in _DOUBLED}
BASE |= {f"{verb[:-1]}ied": verb for verb in _Y}
"""Past tense to base form: `released` to `release`."""

HOLDS: dict[str, tuple[str, str]] = {
    "has": ("have", "does"), "have": ("have", "do"), "had": ("have", "did"), "employs": ("employ", "does"), "employed": ("employ", "did"),
    "contains": ("contain", "does"), "contained": ("contain", "did"), "comprises": ("comprise", "does"), "comprised": ("comprise", "did"),
    "includes": ("include", "does"), "operates": ("operate", "does"), "operated": ("operate", "did"), "hosts": ("host", "does"),
    "hosted": ("host", "did"), "houses": ("house", "does"), "owns": ("own", "does"), "owned": ("own", "did"), "serves": ("serve", "does"),
    "covers": ("cover", "does"), "covered": ("cover", "did"), "supports": ("support", "does"), "won": ("win", "did"),
    "sold": ("sell", "did"), "published": ("publish", "did"), "received": ("receive", "did"), "scored": ("score", "did"),
    "killed": ("kill", "did"), "produced": ("produce", "did"), "produces": ("produce", "does"), "stores": ("store", "does"),
    "keeps": ("keep", "does"), "runs": ("run", "does"), "uses": ("use", "does"), "used": ("use", "did"), "lost": ("lose", "did"),
    "recorded": ("record", "did"), "released": ("release", "did"), "built": ("build", "did"), "opened": ("open", "did"),
}  # fmt: skip
"""Verbs that how many is asked of, with base form and auxiliary."""

STATES = frozenset(
    "listens costs weighs measures lasts supports stores keeps runs uses writes reads provides offers allows lets "
    "means stands consists belongs remains depends replaces lies sits makes takes gives needs works knows sends "
    "speaks accepts handles manages serves covers owns hosts houses includes comprises contains employs operates "
    "produces can will must should became".split()
)
AUXILIARIES = frozenset("was were is are has have had will".split())
VERBS = frozenset(BASE) | frozenset(HOLDS) | STATES | AUXILIARIES

PAST: dict[str, str] = {
    "written": "wrote", "drawn": "drew", "taken": "took", "given": "gave", "chosen": "chose", "begun": "began", "broken": "broke",
    "overthrown": "overthrew", "rewritten": "rewrote", "shot": "shot", "built": "built", "made": "made", "led": "led", "won": "won",
    "bought": "bought", "sold": "sold", "rebuilt": "rebuilt", "sung": "sang",
}  # fmt: skip
PRESENT = {
    "maintained": "maintains", "developed": "develops", "run": "runs", "managed": "manages", "operated": "operates", "owned": "owns",
    "published": "publishes", "hosted": "hosts", "led": "leads", "edited": "edits", "distributed": "distributes", "produced": "produces",
    "administered": "administers", "funded": "funds", "headed": "heads", "directed": "directs",
}  # fmt: skip
AGENCY = (
    frozenset(PAST)
    | frozenset(PRESENT)
    | frozenset(
        "founded created designed invented discovered established launched introduced released composed painted "
        "directed acquired purchased signed co-founded conceived constructed commissioned performed recorded "
        "starred portrayed played conquered defeated assassinated killed murdered crowned appointed elected "
        "inaugurated proposed coined translated adapted illustrated voiced ratified named renamed sculpted "
        "annexed abolished started initiated organised organized sponsored financed presented hosted built "
        "co-written".split()
    )
)
"""Participles whose agent is somebody."""

PARTICIPLE = re.compile(
    r"[a-z-]{2,}ed|"
    + "|".join(
        sorted({*PAST, "born", "held", "set", "put", "found", "sent", "laid", "left", "known", "seen", "hit", "cut"})
    )
)

NO_AGENT = frozenset(
    "charter law act decree treaty bill order constitution war fire earthquake hurricane storm flood train air "
    "sea rail road bus vote referendum means way virtue plague death letter name number hand mail ship car "
    "explosion battle revolution agreement court success work works style music ideas story book novel film song "
    "poem events life theory theories writings".split()
)

PERSONS = frozenset(
    "actor actress singer songwriter musician composer rapper pianist guitarist drummer painter sculptor artist "
    "architect engineer scientist physicist chemist mathematician doctor physician philosopher theologian "
    "historian journalist director producer filmmaker king queen emperor empress prince princess general soldier "
    "officer admiral politician senator minister lawyer judge cyclist driver swimmer athlete boxer wrestler coach "
    "player footballer writer novelist poet author playwright screenwriter essayist critic astronomer biologist "
    "botanist geographer explorer navigator developer programmer entrepreneur businessman businesswoman dancer "
    "choreographer model comedian presenter host professor teacher psychologist psychiatrist economist "
    "sociologist anthropologist linguist priest bishop pope monk nun saint prophet god goddess character "
    "protagonist antagonist villain superhero hero heroine person man woman nobleman noble knight activist "
    "revolutionary diplomat magistrate criminal killer murderer inventor industrialist banker merchant "
    "pathologist statesman mechanic surgeon nurse astronaut aviator pilot cartoonist animator photographer chef "
    "broadcaster personality celebrity figure".split()
)

THINGS = frozenset(
    "server database service platform application app tool site website software system library engine project "
    "program programme product solution directory catalogue language network protocol format standard file "
    "interface startup company organisation organization association institution agency club team band party film "
    "movie album song single book novel series show episode play opera symphony journal magazine newspaper game "
    "museum castle church cathedral monument building bridge station airport line road city town village capital "
    "country state region province county district island archipelago river lake mountain range sea dialect "
    "religion movement doctrine theory law act treaty war battle conflict event competition tournament "
    "championship race disease syndrome virus bacterium molecule compound element metal species genus plant "
    "animal bird fish insect mammal breed unit measure method technique procedure instrument machine device "
    "vehicle aircraft ship car university school college institute academy hospital park reserve garden square "
    "neighborhood neighbourhood street weapon currency festival dance sport discipline science concept notion "
    "phrase idiom term proxy cache broker store registry manager distribution framework wiki forum blog client "
    "daemon queue scheduler forge tracker volcano canyon desert forest valley bay beach hotel tower palace temple "
    "dynasty empire kingdom franchise restaurant dish drink".split()
)

NO_DEFINITION = frozenset(
    "success failure example issue problem challenge advantage way means case matter question point part lot "
    "result reason thing time number member sign symbol goal obstacle step source right honor honour fact variety "
    "majority mixture combination result cause one good bad better key good first second common major popular "
    "great fan victim choice mystery cornerstone favorite favourite hit must".split()
)

_NUMBER = (
    r"(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|two|three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety)(?:-(?:one|two|three|four|five|six|seven|eight|nine))?"
)
COUNTED = (
    rf"(?P<value>(?:(?:about|around|approximately|nearly|almost|over|more than|at least|"
    rf"some|up to|roughly|only|fewer than|less than|a total of) )*"
    rf"{_NUMBER}(?: (?:million|billion|thousand|hundred))?\s(?P<noun>(?:[a-z][a-z-]+ "
    rf"){{0,3}}?(?:[a-z-]{{3,}}s|people|children|men|women)))(?![\w'’-])"
)
"""A number with what it counts, in the plural."""
