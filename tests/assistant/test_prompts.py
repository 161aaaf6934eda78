"""Prompts are files; what stands in a document can neither be taken for a placeholder nor leave its fence."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.prompts import Prompt, fenced, is_refusal, load_prompts
from assistant.settings import PromptSettings
from retrieval.errors import BadSetting
from retrieval.types import Language, Passage

LANGUAGES: tuple[Language, ...] = ("fr", "en")


def passage(text: str, title: str = "T", path: str = "a.md", chunk_id: int = 7) -> Passage:
    return Passage(chunk_id, path, "", title, (), text, 1.0, 0.5, 1.0)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> object:
    return load_prompts(PromptSettings(), tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("kind", ["answer", "finetuned", "rewrite"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_built_in_prompts_are_short(prompts: object, kind: str, language: Language) -> None:
    prompt: Prompt = getattr(prompts, kind)[language]
    assert 10 < len((prompt.system + prompt.user).split()) < 120
    assert "\n---" not in prompt.user


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_a_prompt_gives_for_a_refusal_is_recognised(prompts: object, language: Language) -> None:
    for kind in ("answer", "finetuned"):
        system = getattr(prompts, kind)[language].system
        sentence = re.search(r"(?:write only|écris seulement) : ?(.+)|write only: (.+)", system)
        assert sentence is not None
        assert is_refusal(sentence[1] or sentence[2], language)


def test_placeholders_are_replaced_once(prompts: object) -> None:
    prompt = Prompt("s {question}", "{documents} / {question} / {other}")
    system, user = prompt.messages(documents="{question}{documents}", question="{documents}\\1")
    assert (system.role, system.content) == ("system", "s {documents}\\1")
    assert (user.role, user.content) == ("user", "{question}{documents} / {documents}\\1 / {other}")


@given(documents=st.text(), question=st.text())
def test_whatever_a_value_holds_stands_as_it_is(documents: str, question: str) -> None:
    _, user = Prompt("", "<{documents}|{question}>").messages(documents=documents, question=question)
    assert user.content == f"<{documents}|{question}>"


def test_a_prompt_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.md").write_bytes("\ufeffSois bref.\r\n---\r\n{documents}\r\n\r\n{question}\r\n".encode())
    made = load_prompts(PromptSettings(answer_fr="p/mine.md"), tmp_path)
    assert made.answer["fr"] == Prompt("Sois bref.", "{documents}\n\n{question}")
    assert made.answer["en"] == load_prompts(PromptSettings(), tmp_path).answer["en"]


def test_a_prompt_without_a_system_message(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("---\n{question}")
    assert load_prompts(PromptSettings(finetuned_en="p.md"), tmp_path).finetuned["en"] == Prompt("", "{question}")


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (None, "cannot be read: No such file or directory", "remove it"),
        (b"\xff\xfe---\n{documents}{question}", "it is not UTF-8", "remove it"),
        (b"{documents} {question}", "has no line `---`", "a line `---`"),
        (b"x\n---\n{question}", "does not hold {documents}", "Put {documents}"),
        (b"x\n---\nnothing", "does not hold {documents} and {question}", "Put {documents} and {question}"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named(tmp_path: Path, text: bytes | None, said: str, hint: str) -> None:
    if text is not None:
        (tmp_path / "p.md").write_bytes(text)
    with pytest.raises(BadSetting) as failed:
        load_prompts(PromptSettings(answer_en="p.md"), tmp_path)
    assert said in failed.value.message
    assert "prompts.answer_en" in failed.value.message
    assert str(tmp_path / "p.md") in failed.value.message
    assert hint in failed.value.hint


def test_a_rewrite_needs_the_history(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("x\n---\n{question}")
    with pytest.raises(BadSetting, match=r"does not hold \{history\}"):
        load_prompts(PromptSettings(rewrite_fr="p.md"), tmp_path)


def test_documents_are_fenced() -> None:
    text = fenced([passage("Port : 3000", 'A "b" <c>', "d/e.md", 3), passage("x < y && z > 1", chunk_id=4)])
    assert text == (
        '<document id="chunk_3" title="A &quot;b&quot; &lt;c&gt;" path="d/e.md">\nPort : 3000\n</document>\n'
        '<document id="chunk_4" title="T" path="a.md">\nx < y && z > 1\n</document>'
    )


PIECES = (
    *("</document>", "<document", "< / DOCUMENT >", "<\u200b/document", "</doc\u200bument>", "＜／ｄｏｃｕｍｅｎｔ＞"),
    *("<d\u0301ocument>", "<\n/\ndocument", "<<document", "<_document", "<\u00addocument", "<d<document"),
    *("\x00", '"', ">", "\n", "<", "/", "document", "D", "ocument", "\u00ad"),
)
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join)


def tags(text: str) -> int:
    """How many tags a reader could see who overlooks case, width, blanks, marks and invisible characters."""
    seen = unicodedata.normalize("NFKD", text).casefold()
    return len(re.findall(r"<[/\\]?document", "".join(c for c in seen if c.isalnum() or c in "<>/\\")))


@given(text=HOSTILE, title=HOSTILE, path=HOSTILE)
def test_no_text_opens_or_closes_a_fence(text: str, title: str, path: str) -> None:
    made = fenced([passage(text, title, path)])
    assert tags(made) == 2
    head, *_ = made.split("\n", 1)
    assert re.fullmatch(r'<document id="chunk_7" title="[^"<>]*" path="[^"<>]*">', head)
    assert made.endswith("\n</document>")


@given(text=st.text())
def test_other_text_is_left_as_it_is(text: str) -> None:
    plain = text.replace("<", "").replace("＜", "").replace("﹤", "").replace("[", "")
    assert f">\n{plain}\n</document>" in fenced([passage(plain)])


@pytest.mark.parametrize(
    "mark", ["<|im_start|>system", "<end_of_turn>", "<start_of_turn>user", "[/INST]", "<<SYS>>", "</SYS>"]
)
def test_turn_marks_of_chat_templates_are_no_marks_any_more(mark: str) -> None:
    assert mark not in fenced([passage(f"a {mark} b")])


def test_a_page_of_brackets_takes_no_time() -> None:
    assert len(fenced([passage("<" * 200_000 + "</ " * 100_000)])) > 400_000


REFUSALS: dict[Language, list[str]] = {
    "fr": [
        "Je ne trouve pas la réponse dans les documents.",
        "Je ne trouve rien à ce sujet dans les documents.",
        "Les documents ne le disent pas.",
        "Je ne sais pas.",
        "Désolé, je ne connais pas la réponse à cette question.",
        "Les documents fournis ne mentionnent pas le prix de l’essence.",
        "D'après les documents, je ne peux pas répondre à cette question.",
        "Aucune information sur ce sujet.",
        "Il n'y a pas d'information sur le port dans les documents.",
        "Je n’ai pas trouvé la réponse dans les documents.",
        "Je n'ai rien trouvé !",
        "La réponse ne se trouve pas dans les documents.",
        "Aucun des documents ne parle de ce logiciel.",
        "Cette information n'est pas précisée.",
        "Malheureusement, je ne dispose pas de cette information. N'hésitez pas à poser une autre question.",
        "I can't find the answer in the documents.",
        "Inconnu.",
    ],
    "en": [
        "I can't find the answer in the documents.",
        "I don't know.",
        "I don’t know the answer.",
        "I'm sorry, but I cannot find the answer in the provided documents.",
        "The documents do not say.",
        "The provided context does not mention the price of petrol.",
        "Sorry. I do not have enough information to answer this question.",
        "This is not mentioned in the documents.",
        "There is no information about the port in the documents.",
        "Based on the documents, I could not find the licence of Gitea. Please check the website.",
        "The answer is not in the documents.",
        "No information available.",
        "Unknown",
        "I found nothing about this in the sources.",
    ],
}
ANSWERS: dict[Language, list[str]] = {
    "fr": [
        "Gitea écoute sur le port 3000.",
        "Je ne trouve pas la réponse dans les documents. [chunk_3]",
        "Je ne trouve pas la réponse dans les documents, mais Gitea écoute souvent sur le port 3000.",
        "Les documents ne mentionnent pas d'autre port que 3000.",
        "Je ne sais pas. Le port est 3000.",
        "Ce n'est pas un serveur web, c'est un cache.",
        "Non.",
        "Aucun port n'est ouvert.",
        "Redis ne garde rien sur le disque.",
        "",
    ],
    "en": [
        "Squid listens on port 3128.",
        "The documents do not say. [chunk_12]",
        "I don't know the exact figure. It was about 300.",
        "The documents mention no other port, only 3128.",
        "The documents do not give a port other than 3128.",
        "It is not a web server.",
        "No.",
        "None.",
        "There is no port.",
        "Squid cannot find the file when the cache is cold.",
        "  ",
    ],
}


@pytest.mark.parametrize(("language", "text"), [(lang, t) for lang in LANGUAGES for t in REFUSALS[lang]])
def test_a_refusal(language: Language, text: str) -> None:
    assert is_refusal(text, language)


@pytest.mark.parametrize(("language", "text"), [(lang, t) for lang in LANGUAGES for t in ANSWERS[lang]])
def test_an_answer_is_no_refusal(language: Language, text: str) -> None:
    assert not is_refusal(text, language)


@given(st.text(), st.sampled_from(LANGUAGES))
def test_an_answer_with_a_citation_is_never_a_refusal(text: str, language: Language) -> None:
    assert not is_refusal(f"I don't know. {text} [chunk_3]", language)
    assert is_refusal(text, language) in (True, False)


@pytest.mark.parametrize(
    "mark", ["</dосument>", "<𝐝𝐨𝐜𝐮𝐦𝐞𝐧𝐭>", "</ dοcument", "<｜User｜>", "</s>", "<eos>", "[TOOL_CALLS]"]
)
def test_look_alikes_and_turn_marks_of_other_templates(mark: str) -> None:
    assert mark not in fenced([passage(f"a {mark} b", mark)])
