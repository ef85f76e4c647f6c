"""The codebook: the shipped one says what the project labels, a user's own is taken, a contradictory one is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from fimiscope.codebook import Codebook
from fimiscope.errors import CodebookError
from fimiscope.records import Labels

TEN_CODES = (
    "west-exploits-africa",
    "west-destabilises-africa",
    "west-discredited",
    "russia-partner",
    "sovereign-juntas",
    "multipolar-order",
    "ukraine-war-line",
    "bio-health",
    "china-partner",
    "china-core-interests",
)
OWN = {
    "version": "7",
    "roles": [
        {"code": "spreads", "flags": True, "definition": "Spreads a rumour."},
        {"code": "none", "definition": "Anything else."},
    ],
    "actors": [{"code": "guild", "definition": "The guild."}],
    "narratives": [
        {"code": "dear-bread", "definition": {"fr": "Pain cher.", "en": "Bread is kept dear."}, "name": {"fr": "Pain"}}
    ],
    "africa": {"definition": "The coast is a subject."},
}
AGREED = Path(__file__).resolve().parents[3] / "shared" / "CODEBOOK.md"


def test_the_shipped_codebook_has_the_agreed_codes(codebook: Codebook) -> None:
    assert codebook.narrative_codes == TEN_CODES
    assert codebook.role_codes == ("rebuts", "reports", "carries", "none"), "in order of precedence"
    assert codebook.actor_codes == ("russia", "china")
    assert codebook.flagging_roles == ("rebuts", "reports", "carries")
    assert re.fullmatch(r"\d+\.\d+", codebook.version)


def test_every_shipped_entry_is_defined_and_named(codebook: Codebook) -> None:
    for entry in (*codebook.roles, *codebook.actors, *codebook.narratives):
        assert len(entry.definition.split()) >= 5, entry.code
        assert entry.name["en"], entry.code
        assert set(entry.name) == set(entry.definitions) == {"en", "fr"}, entry.code
        assert len(entry.definitions["fr"].split()) >= 5, entry.code
    for entry in codebook.narratives:
        assert "; for example: " in entry.definition
        assert "\u202f; par exemple\u00a0: " in entry.definitions["fr"]
    assert "whether a text is true" in codebook.question["en"]
    assert set(codebook.question) == set(codebook.africa.definitions) == {"en", "fr"}


@pytest.mark.shared
def test_the_shipped_codebook_says_what_was_agreed(codebook: Codebook) -> None:
    if not AGREED.is_file():
        pytest.skip("CODEBOOK.md is not beside this checkout")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| .+ \|$", AGREED.read_text(encoding="utf-8"), re.MULTILINE)
    agreed = {code: definition for code, definition in rows if code in TEN_CODES}
    assert tuple(agreed) == codebook.narrative_codes
    for entry in codebook.narratives:
        assert words(entry.definition)[: len(words(agreed[entry.code]))] == words(agreed[entry.code])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_heads_follow_the_codebook() -> None:
    heads = Codebook.from_dict(OWN).heads()
    assert [(head.name, head.kind, head.labels) for head in heads] == [
        ("role", "softmax", ("spreads", "none")),
        ("actors", "sigmoid", ("guild",)),
        ("narratives", "sigmoid", ("dear-bread",)),
        ("africa", "sigmoid", ("africa",)),
        ("flag", "sigmoid", ("flag",)),
    ]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_codebook_of_ones_own_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"own.{suffix}"
    path.write_text(json.dumps(OWN) if suffix == "json" else yaml.safe_dump(OWN, sort_keys=False), encoding="utf-8")
    own = Codebook.load(path)
    assert own.version == "7"
    assert own.narratives[0].definition == "Pain cher."
    assert own.roles[0].definitions == {"en": "Spreads a rumour."}
    assert own.narratives[0].name == {"fr": "Pain"}
    assert own.actors[0].name == {"en": "guild"}


def test_a_codebook_survives_its_file(codebook: Codebook) -> None:
    for one in (codebook, Codebook.from_dict(OWN)):
        assert Codebook.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_labels_compare_where_definitions_do(codebook: Codebook) -> None:
    def changed(**entry: object) -> Codebook:
        return Codebook.from_dict({**OWN, "actors": [OWN["actors"][0] | entry]})  # type: ignore[index, operator]

    own = Codebook.from_dict(OWN)
    assert own.rules != codebook.rules
    assert changed(definition={"en": "The guild.", "fr": "La guilde."}, name={"en": "Guild"}).rules == own.rules
    assert changed(definition="The guilds.").rules != own.rules
    others = (
        {"version": "8"},
        {"question": "Which?"},
        {"africa": {"definition": "The hills are a subject."}},
        {"roles": OWN["roles"][::-1]},  # type: ignore[index]
        {"roles": [OWN["roles"][0], OWN["roles"][1] | {"code": "none", "definition": "Rest."}]},  # type: ignore[index, operator]
    )
    assert all(Codebook.from_dict(OWN | other).rules != own.rules for other in others)


def test_texts_without_a_language_are_english() -> None:
    plain = Codebook.from_dict({**OWN, "question": "What does it do?"})
    assert plain.question == {"en": "What does it do?"}
    assert plain.africa.definitions == {"en": "The coast is a subject."}
    with pytest.raises(CodebookError, match="question: expected text, or a mapping from languages to texts"):
        Codebook.from_dict({**OWN, "question": 5})
    with pytest.raises(CodebookError, match=r"actors\[1\]: unknown key 1.5, True, z \(known: code"):
        Codebook.from_dict({**OWN, "actors": [{"code": "g", "definition": "G.", True: 1, "z": 2, 1.5: 3}]})


def test_all_faults_of_a_codebook_are_told_at_once() -> None:
    broken = {
        "version": 2,
        "roles": [
            {"code": "spreads", "definition": "Spreads."},
            {"code": "none", "flags": True, "definition": "Rest."},
        ],
        "actors": [],
        "narratives": [
            {"code": "bread", "definition": "Bread."},
            {"code": "bread", "definition": "Bread again."},
            {"code": "salt"},
            "pepper",
            {"code": "sugar", "definition": "Sugar.", "includes": "lumps"},
            {"code": "oil", "definition": {"en": 5}},
        ],
        "africa": "yes",
    }
    with pytest.raises(CodebookError) as caught:
        Codebook.from_dict(broken, place="own.yaml")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("own.yaml cannot be used")
    assert {line.strip() for line in lines[1:]} == {
        'version: expected text, for example "1.0"',
        "roles: exactly one role must be 'none', with flags: false",
        "actors: expected a list with at least one entry",
        "narratives: 'bread' stands twice",
        "narratives[3]: expected code and definition",
        "narratives[4]: expected code and definition",
        "narratives[5]: unknown key includes (known: code, definition, flags, name)",
        "narratives[6]: expected code and definition",
        "africa: expected a mapping with a definition",
    }


def test_a_codebook_that_flags_nothing_is_refused() -> None:
    roles = [{"code": "spreads", "definition": "Spreads."}, {"code": "none", "definition": "Rest."}]
    with pytest.raises(CodebookError, match="at least one role must have flags: true"):
        Codebook.from_dict({**OWN, "roles": roles})


@pytest.mark.parametrize("name", ["a name", ["en"], 5])
def test_a_name_without_languages_is_refused(name: object) -> None:
    actors = [{"code": "guild", "definition": "The guild.", "name": name}]
    with pytest.raises(CodebookError, match=r"actors\[1\]"):
        Codebook.from_dict({**OWN, "actors": actors})


@pytest.mark.parametrize(
    ("name", "content"),
    [("c.yaml", b"roles: [a"), ("c.json", b"{"), ("c.yaml", b"\xff\xfe\xff"), ("c.yaml", b"- a list"), ("c.yaml", b"")],
)
def test_a_file_that_is_no_codebook_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CodebookError, match=re.escape(str(path))):
        Codebook.load(path)


def test_a_missing_codebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"nowhere\.yaml: No such file"):
        Codebook.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("role", "africa", "flagged"),
    [
        ("carries", True, True),
        ("reports", True, True),
        ("rebuts", True, True),
        ("carries", False, False),
        ("none", True, False),
        ("none", None, False),
        (None, False, False),
        (None, True, None),
        ("carries", None, None),
        (None, None, None),
    ],
)
def test_the_flag_follows_role_and_africa(
    codebook: Codebook, role: str | None, africa: bool | None, flagged: bool | None
) -> None:
    assert codebook.flagged(Labels(role=role, africa=africa)) is flagged


def test_labels_that_the_codebook_does_not_know_are_all_named(codebook: Codebook) -> None:
    faults = codebook.faults(Labels(role="spreads", actors=("guild", "russia"), narratives=("salt", "bread")))
    assert [fault.split(" (")[0] for fault in faults] == [
        "role 'spreads'",
        "actor 'guild'",
        "narrative 'bread'",
        "narrative 'salt'",
    ]
    assert all("(known: " in fault for fault in faults)
    assert codebook.faults(Labels()) == []
