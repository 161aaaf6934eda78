"""English turns of phrase: questions that ask the same, and what a question is wrapped in."""

from __future__ import annotations

CLASSES: tuple[tuple[str, ...], ...] = (
    ("who hosts {x}", "who is {s} hosted by", "who provides the hosting of {x}"),
    ("who developed {x}", "who is the developer of {x}", "who was {s} developed by"),
    ("who develops {x}", "who is {s} developed by", "who is behind the development of {x}"),
    ("who created {x}", "who is the creator of {x}", "who was {s} created by", "who came up with {x}"),
    ("who wrote {x}", "who is the author of {x}", "who was {s} written by"),
    ("who designed {x}", "who is the designer of {x}", "who was {s} designed by"),
    ("who invented {x}", "who is the inventor of {x}", "who was {s} invented by"),
    ("who founded {x}", "who is the founder of {x}", "who was {s} founded by"),
    ("who maintains {x}", "who is {s} maintained by", "who is in charge of maintaining {x}"),
    ("who runs {x}", "who is {s} run by", "who is in charge of {x}"),
    ("who owns {x}", "who is the owner of {x}", "who is {s} owned by"),
    ("who uses {x}", "who are the users of {x}", "who is {s} used by"),
    ("what is {s} used for", "what is the purpose of {x}", "what is {s} for"),
    ("what does {s} mean", "what is the meaning of {x}"),
    ("what does {s} stand for", "what is {s} short for"),
    ("how much does {s} cost", "what is the price of {x}", "what does {s} cost"),
    ("which port does {s} listen on", "what port does {s} listen on", "on which port does {s} listen", "what is the port of {x}"),
    ("which port does {s} use", "what port does {s} use", "what is the port of {x}"),
    ("what is the licence of {x}", "which licence does {s} use", "under which licence is {s} released"),
    ("what is the license of {x}", "which license does {s} use", "under which license is {s} released"),
    ("which language is {s} written in", "what language is {s} written in", "in which language is {s} written"),
    ("when was {s} released", "what is the release date of {x}", "when did {s} come out"),
    ("when was {s} created", "what is the creation date of {x}"),
    ("when was {s} founded", "what is the founding date of {x}"),
    ("where is {s} located", "what is the location of {x}"),
    ("what is the difference between {x}", "what are the differences between {x}", "what makes {x} different from each other"),
    ("what is the name of {x}", "what is {s} called"),
    ("what is the capital of {x}", "which city is the capital of {x}"),
    ("what is the population of {x}", "how many people live in {x}"),
)  # fmt: skip
STARTS: tuple[tuple[str, ...], ...] = (
    ("why", "for what reason"),
    ("in which year", "in what year", "what year"),
)
STEPS = (
    "how do I {}",
    "how can I {}",
    "how to {}",
    "what are the steps to {}",
    "what is the way to {}",
    "what do I need to do to {}",
    "how does one {}",
)
"""For "how" with an infinitive."""
INDIRECT: tuple[tuple[str, str], ...] = (
    ("formal", "could you tell me {}?"),
    ("informal", "can you tell me {}?"),
    ("impersonal", "I'd like to know {}."),
    ("formal", "could you please tell me {}?"),
    ("informal", "tell me {}."),
    ("impersonal", "I need to know {}."),
    ("formal", "would you mind telling me {}?"),
    ("informal", "do you know {}?"),
    ("formal", "I would like to know {}, please."),
    ("impersonal", "I'm trying to find out {}."),
    ("informal", "hi, do you know {}?"),
    ("formal", "please tell me {}."),
    ("impersonal", "I was wondering {}."),
    ("informal", "any idea {}?"),
)
EXPLAIN: tuple[tuple[str, str], ...] = (
    ("informal", "can you explain {}?"),
    ("formal", "could you please explain {}?"),
    ("informal", "explain {}."),
)
"""For what a thing is, how and why."""
DIRECT: tuple[tuple[str, str], ...] = (
    ("polite", "{}, please{}"),
    ("polite", "hello, {}{}"),
    ("informal", "hi, {}{}"),
    ("informal", "quick question: {}{}"),
    ("polite", "{}{} Thanks in advance."),
    ("polite", "excuse me, {}{}"),
    ("informal", "hey, {}{}"),
)
"""The question with its mark."""
ASKED_FOR: tuple[tuple[str, str], ...] = (
    ("formal", "could you tell me {}?"),
    ("impersonal", "I'm looking for {}."),
    ("formal", "could you please give me {}?"),
    ("informal", "tell me {}."),
    ("informal", "give me {}."),
    ("impersonal", "I need {}."),
)
"""For a thing with its article: "the port of Redis"."""
LISTED: tuple[tuple[str, str], ...] = (
    ("informal", "list {}."),
    ("informal", "can you list {}?"),
    ("formal", "could you give me a list of {}?"),
    ("impersonal", "I'm looking for {}."),
    ("keywords", "list of {}"),
)
CONTRACTED: tuple[tuple[str, str], ...] = (
    ("what is", "what's"), ("who is", "who's"), ("where is", "where's"),
)  # fmt: skip
BLOCKED = frozenset(
    "who whom whose which what where when why how that is are was were be been being has have had do does did can could will "
    "would shall should may might must it he she they we you i there here if because while than not so but or and to "
    "called named known used".split()
)
"""Words that no plain noun phrase holds."""
PAST = dict(
    pair.split("=")
    for pair in (
        "be=was become=became begin=began break=broke bring=brought build=built buy=bought catch=caught choose=chose come=came "
        "cost=cost cut=cut die=died do=did draw=drew drink=drank drive=drove eat=ate fall=fell feel=felt fight=fought find=found "
        "fly=flew forget=forgot get=got give=gave go=went grow=grew have=had hear=heard hide=hid hit=hit hold=held hurt=hurt "
        "keep=kept know=knew lead=led leave=left lend=lent let=let lose=lost make=made mean=meant meet=met pay=paid put=put "
        "read=read ride=rode rise=rose run=ran say=said see=saw sell=sold send=sent set=set shoot=shot show=showed shut=shut "
        "sing=sang sit=sat sleep=slept speak=spoke spend=spent stand=stood steal=stole swim=swam take=took teach=taught "
        "tell=told think=thought throw=threw understand=understood wear=wore win=won write=wrote stop=stopped plan=planned "
        "ship=shipped drop=dropped refer=referred prefer=preferred occur=occurred permit=permitted admit=admitted ban=banned "
        "star=starred map=mapped step=stepped travel=travelled control=controlled arise=arose beat=beat bear=bore bind=bound "
        "split=split spread=spread strike=struck swear=swore sweep=swept weave=wove wind=wound withdraw=withdrew shine=shone "
        "seek=sought rebuild=rebuilt overcome=overcame learn=learned fit=fit quit=quit sink=sank deal=dealt feed=fed flee=fled "
        "forbid=forbade freeze=froze lay=laid lie=lay light=lit"
    ).split()
)
"""Simple past of irregular verbs, and of those that double their last letter."""
