# SPDX-License-Identifier: Apache-2.0
"""`lode check` on access.yml, access.test.yml and zone.yml: a misspelt name and a rule that cannot be asked of a row are
told at their place; people who are not there are a warning, for they live outside of the text."""

import os
import pwd

import pytest
from conftest import Project

SOURCE = "from: ingress/orders_*.csv\ncolumns:\n  order_no: text required\n  region: text\n"
ORDER = "-- key: order_no\n-- tag: pii\nselect order_no, region from staging.orders\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "purpose: orders\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/canonical/order.sql", ORDER)
    return project


def told(project: Project, kind: str) -> list[tuple[str, str, int, int]]:
    answer = project.lode("check", "-o", "json", check=False).json
    return [(each["code"], each.get("file", "") or "", each.get("line", 0) or 0, each.get("column", 0) or 0) for each in answer[kind]
            if "grants nothing" not in each["message"]]


@pytest.mark.parametrize(("rule", "code", "line", "column", "words"), [
    ("  on: [canonical.ordr]\n", "E203", 3, 8, "did you mean canonical.order?"),
    ("  on: canonical.order\n  columns: [order_no, regin]\n", "E204", 4, 23, "did you mean `region`?"),
    ("  on: canonical.order\n  mask:\n    regin: hash\n", "E204", 5, 5, "did you mean `region`?"),
    ("  on: canonical.order\n  rows: regin = 'EU'\n", "E204", 4, 9, "regin"),
    ("  on: canonical.order\n  rows: region\n", "E205", 4, 9, "no condition"),
    ("  on: canonical.order\n  rows: sum(length(region)) > 1\n", "E202", 4, 9, "an aggregate cannot stand in a policy"),
    ("  on: canonical.order\n  rows: row_number() over () > 1\n", "E202", 4, 9, "what is more than columns, literals and functions cannot stand in a policy"),
    ("  on: canonical.order\n  rows: region in (select region from canonical.order limit 1)\n", "E202", 4, 9, "a subquery that is more than SELECT, FROM and WHERE cannot stand in a policy"),
    ("  on: canonical.order\n  mask:\n    region: max(region)\n", "E202", 5, 13, "an aggregate cannot stand in a policy"),
])
def test_a_rule_that_does_not_fit_is_told_at_its_word(shop: Project, rule: str, code: str, line: int, column: int, words: str) -> None:
    shop.write("zones/shop/access.yml", f"rules:\n- who: everyone\n{rule}")
    assert told(shop, "errors") == [(code, "zones/shop/access.yml", line, column)], shop.lode("check", check=False).stderr
    answer = shop.lode("check", check=False)
    assert answer.exit == 2
    assert words in answer.stderr


def test_an_access_test_names_what_is_there(shop: Project) -> None:
    shop.write("zones/shop/access.test.yml", "tests:\n- who: bo\n  on: canonical.ordr\n  key: order_no\n  sees: [A-1]\n"
               "- who: bo\n  on: canonical.order\n  key: order_nr\n  sees: [A-1]\n")
    file = "zones/shop/access.test.yml"
    assert told(shop, "errors") == [("E203", file, 3, 7), ("E204", file, 8, 8)]


def test_a_zone_and_a_tag_that_are_not_there_are_warned_of(shop: Project) -> None:
    shop.write("zones/shop/access.yml", "rules:\n- who: [zone shp]\n  on: [canonical.order, tag:pi]\n")
    assert told(shop, "errors") == []
    assert told(shop, "warnings") == [("E108", "zones/shop/access.yml", 2, 14), ("E108", "zones/shop/access.yml", 3, 25)]
    text = shop.lode("check", check=False).stderr
    assert "did you mean shop?" in text and "did you mean pii?" in text


def test_people_who_are_not_there_are_warned_of(shop: Project) -> None:
    shop.drop("shop", "orders_1.csv", "order_no,region\nA-1,EU\n")
    shop.lode("run")
    shop.lode("role", "add", "analyst")
    shop.lode("user", "add", "bodil", "--role", "analyst")
    shop.write("zones/shop/zone.yml", "owner: bodi\nengineers: [role analyst]\n")
    shop.write("zones/shop/access.yml", "rules:\n- who: [role analist, role dpo, bodil]\n  on: [canonical.order]\n"
               "- who: [role analyst, user eve]\n  on: [canonical.order]\n")
    assert told(shop, "errors") == []
    assert sorted(told(shop, "warnings")) == [
        ("E108", "", 0, 0), ("E108", "zones/shop/access.yml", 2, 14), ("E108", "zones/shop/zone.yml", 1, 8)]
    answer = shop.lode("check")
    assert "did you mean analyst?" in answer.stderr and "did you mean bodil?" in answer.stderr
    assert "named in the text and not there: role dpo, user eve" in answer.stderr
    planned = shop.lode("plan").stderr
    assert "did you mean analyst?" in planned and "named in the text and not there: role dpo, user eve" in planned
    shop.lode("role", "add", "dpo")
    shop.lode("user", "add", "eve")
    assert "not there:" not in shop.lode("check").stderr


MASKS = "masks are: null, hash, partial N, bucket N, or an SQL expression over the row"


def test_a_tag_of_a_source_is_one_and_the_plan_says_what_it_hides(shop: Project) -> None:
    shop.write("zones/shop/sources/orders.yml", SOURCE.replace("order_no: text required", "order_no: text required tag person"))
    shop.write("policies.yml", "- tag: person\n  who: everyone except [role dpo]\n  mask: hash\n  rows: order_no <> 'x'\n")
    assert told(shop, "errors") == [] and "nothing carries" not in shop.lode("check", check=False).stderr
    planned = shop.lode("plan").stdout
    assert "everyone except role dpo: columns of shop.staging.orders with the tag person, and what is made of them, read as masked (hash)" in planned
    assert "everyone except role dpo: of shop.staging.orders, by its tag person, only rows where order_no <> 'x'" in planned
    shop.lode("apply")
    shop.write("policies.yml", "- tag: person\n  who: everyone except [role dpo]\n  mask: hash\n")
    assert "of shop.staging.orders all rows again" in shop.lode("plan").stdout


@pytest.mark.parametrize("verb", ["check", "plan", "apply", "run"])
def test_a_mask_that_there_is_not_is_an_error(shop: Project, verb: str) -> None:
    shop.write("policies.yml", "- tag: pii\n  who: everyone\n  mask: sha\n")
    answer = shop.lode(verb, check=False)
    assert answer.exit == 2 and "policies.yml:3:9" in answer.stderr and "there is no mask 'sha'" in answer.stderr and MASKS in answer.stderr, answer.stderr


def test_a_mask_of_a_rule_that_is_no_column_lists_the_masks(shop: Project) -> None:
    shop.write("zones/shop/access.yml", "rules:\n- who: everyone\n  on: canonical.order\n  mask:\n    region: star\n")
    answer = shop.lode("check", check=False)
    assert answer.exit == 2 and "zones/shop/access.yml:5:13" in answer.stderr and MASKS in answer.stderr, answer.stderr
    shop.write("zones/shop/access.yml", "rules:\n- who: everyone\n  on: canonical.order\n  mask:\n    region: order_no\n")
    assert told(shop, "errors") == []


def test_an_attribute_that_nobody_has_is_warned_of(shop: Project) -> None:
    shop.write("zones/shop/access.yml", "rules:\n- who: everyone\n  on: canonical.order\n  rows: region = principal.regon and order_no <> principal.name\n")
    assert told(shop, "warnings") == []
    shop.lode("run")
    shop.lode("user", "add", "bodil", "--attr", "region=EU")
    assert ("E108", "zones/shop/access.yml", 4, 18) in told(shop, "warnings")
    answer = shop.lode("check", check=False)
    assert "no account has the attribute 'regon'" in answer.stderr and "did you mean principal.region?" in answer.stderr


def test_plan_apply_and_run_tell_of_a_rule_that_does_not_fit(project: Project) -> None:
    """The rule withholds the table, so that nobody gains anything of it."""
    project.write("zones/shop/sources/orders.yml", "from: in/*.csv\ncolumns:\n  id: int\n  region: text\n")
    project.write("in/1.csv", "id,region\n1,EU\n")
    project.write("zones/shop/canonical/order.sql", "select id, region from staging.orders\n")
    project.write("zones/shop/canonical/bare.sql", "select id from staging.orders\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [bo]\n  on: [canonical.*]\n  rows: region = 'EU'\n- who: [cy]\n  on: [canonical.*]\n  columns: [region]\n")
    words = ["zones/shop/access.yml:4:", "zones/shop/access.yml:7:", "shop.canonical.bare"]
    for verb in ("plan", "apply", "run"):
        told = project.lode(verb, check=verb != "apply")
        warnings = [line for line in told.stderr.splitlines() if line.startswith("warning ") and "named in the text" not in line]
        assert len(warnings) == 2 and all(word in told.stderr for word in words), told.stderr
        if verb != "run":
            gains = [line.split()[-1] for line in told.stdout.splitlines() if "gains" in line]
            assert gains == ["shop.canonical.order"] * 2, told.stdout


def test_apply_says_what_check_says_of_the_rules(project: Project) -> None:
    """Also to who wants errors only; the text is in force, and the exit tells."""
    project.write("zones/shop/sources/orders.yml", "from: in/*.csv\ncolumns:\n  id: int\n  region: text\n")
    project.write("zones/shop/canonical/order.sql", "select id from staging.orders\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [role analist]\n  on: [canonical.order]\n  columns: all except [born]\n- who: everyone\n  on: [tag:pii]\n")
    said = [line.split("  ", 1)[1] for line in project.lode("apply", check=False).stderr.splitlines() if line.startswith("warning ")]
    checked = project.json("check", check=False)
    assert len(said) == 3 and len(checked["errors"]) == 1 and len(checked["warnings"]) == 2, said
    for told in checked["errors"] + checked["warnings"]:
        assert any(told["message"] in line for line in said), told
    quiet = project.lode("apply", "-q", check=False)
    assert quiet.exit == 1 and "names 'born', which shop.canonical.order does not have" in quiet.stderr
    again = project.lode("apply", "-o", "json", check=False)
    assert again.exit == 1 and again.stderr.count("warning ") == 3 and again.json["errors"] == []
    project.write("zones/shop/access.yml", "rules:\n- who: everyone\n  on: [canonical.order]\n")
    good = project.lode("apply", "-q")
    assert good.exit == 0 and good.stderr == ""


def test_a_new_zone_belongs_to_a_person_or_to_nobody(project: Project) -> None:
    """Whoever runs `lode` on the machine is no user of the store by that alone: an owner that nobody can be is not written."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    project.write("in/a.csv", "id\n1\n")
    assert "without an owner" in project.lode("add", "shop", project.root / "in/a.csv").stderr
    assert "owner:" not in (project.root / "zones/shop/zone.yml").read_text().replace("# owner:", "")
    assert "named in the text and not there" not in project.lode("run").stderr
    project.lode("user", "add", user)
    assert f"owned by {user}" in project.lode("add", "own").stderr
    assert f'owner: "{user}"\n' in (project.root / "zones/own/zone.yml").read_text()
    assert "named in the text and not there" not in project.lode("check").stderr


# ---- what policies.yml takes away ----

def with_policy(project: Project, rows: str) -> Project:
    """A tagged number in a source and what is made of it; analysts see orders by `rows`."""
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", "from: in/*.csv\ncolumns:\n  number: int tag pii\n  region: text\n")
    project.write("in/1.csv", "number,region\n1,EU\n")
    for name in ("orders", "customer"):
        project.write(f"zones/shop/canonical/{name}.sql", "select number as no, region from staging.orders\n")
    project.write("zones/shop/analytical/sales.sql", "select region, count(*) as n from staging.orders group by 1\n")
    project.write("policies.yml", "- tag: pii\n  who: everyone except [role dpo]\n  mask: hash\n")
    project.write("zones/shop/access.yml", f"rules:\n- who: [role analyst, role dpo]\n  on: [canonical.orders]\n  rows: {rows}\n")
    project.lode("run")
    project.lode("role", "add", "analyst")
    project.lode("role", "add", "dpo")
    return project


def test_a_rule_that_names_what_is_masked_is_not_announced_as_a_grant(project: Project) -> None:
    project.write("policies.yml", "")
    with_policy(project, "region = 'EU'")
    project.lode("user", "add", "bo", "--role", "analyst")
    project.lode("user", "add", "dee", "--role", "dpo")
    rows = "no in (select no from canonical.customer c where c.region = 'EU')"
    project.write("zones/shop/access.yml", f"rules:\n- who: [role analyst, role dpo]\n  on: [canonical.orders]\n  rows: {rows}\n")
    words = "the rule gives role analyst nothing of shop.canonical.orders: `rows` names 'no', which policies.yml:1 masks for the tag pii"
    found = told(project, "warnings")
    assert ("E208", "zones/shop/access.yml", 4, 9) in found, found
    for verb in ("check", "plan", "apply"):
        answer = project.lode(verb)
        assert answer.stderr.count(words) == 1 and "zones/shop/access.yml:4:9" in answer.stderr, answer.stderr
        assert "role dpo nothing" not in answer.stderr
        gains = [line.split()[:3] for line in answer.stdout.splitlines() if " gains " in line]
        assert verb == "check" or gains == [["role", "dpo", "gains"]], answer.stdout
    assert project.error("query", "--as", "bo", "select * from shop.canonical.orders")["code"] == "E203"
    assert project.query("select no from shop.canonical.orders", "--as", "dee") == [{"no": 1}]


def test_what_is_masked_where_the_query_inside_looks_is_told_too(project: Project) -> None:
    with_policy(project, "region = 'EU'")
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [analytical.*]\n  rows: region in (select c.region from canonical.customer c where c.no = 'x')\n")
    words = "the rule gives role analyst nothing of shop.analytical.sales: `rows` names 'no', which policies.yml:1 masks for the tag pii"
    told_of = project.lode("check").stderr
    assert words in told_of and "zones/shop/access.yml:4:9" in told_of and "whom the policy excepts has its rows" in told_of, told_of


def test_tables_that_are_alike_are_looked_at_once_and_others_by_themselves(shop: Project) -> None:
    for name, sql in {"a": "select 1 as n", "b": "select 'x' as n, 2 as u", "c": "select {'k': 1} as n", "d": "select 2 as n, 5 as u"}.items():
        shop.write(f"zones/shop/analytical/{name}.sql", sql + "\n")
    shop.write("zones/shop/access.yml", "rules:\n- who: [role one]\n  on: [analytical.*]\n  rows: \"\\\"n\\\" > 0\"\n- who: [role two]\n  on: [analytical.*]\n  rows: a.n = 1\n"
               "- who: [role three]\n  on: [analytical.*]\n  rows: u = 5\n")
    gains = [(each["principal"], each["object"][-1]) for each in shop.json("plan")["access"]]
    assert gains == [("role one", "a"), ("role one", "d"), ("role three", "b"), ("role three", "d"), ("role two", "a")], gains
    for at in range(150):
        shop.write(f"zones/shop/egress/m{at}.sql", f"select order_no, region, {at} as n{at} from staging.orders\n")
    shop.write("zones/shop/access.yml", "rules:\n" + "".join(f"- who: [role r{at}, bo]\n  on: [egress.*]\n  rows: region = principal.region and order_no <> '{at}'\n"
                                                             "  mask:\n    region: lower(region)\n" for at in range(10)))
    before = os.times()
    shop.lode("check")
    assert os.times().children_user - before.children_user < 4  # 0.5; 12 where each table is asked for each rule


def test_no_line_of_a_rule_looks_like_one_of_the_plan(shop: Project) -> None:
    shop.write("zones/shop/access.yml", 'rules:\n- who: [eve]\n  on: [canonical.order]\n  rows: "region = \'\\e[2K\' -- x\\n  or region = \'gains\\u202e\'"\n')
    out = shop.lode("plan").stdout
    assert "\x1b" not in out and "\u202e" not in out and "\n  or" not in out, out
    assert r"rows: region = '\x1b[2K' -- x\n  or region = 'gains\u202e'" in out, out


def test_what_a_policy_takes_from_the_owner_is_said(project: Project) -> None:
    with_policy(project, "region = 'EU'")
    project.lode("user", "add", "ann")
    for table in ("quarantine.orders", "landing.orders"):
        why = project.lode("why", "ann", f"shop.{table}").stdout
        assert "ann does not see" in why and "policies.yml:1  takes it away, for the tag pii" in why, why
    project.write("policies.yml", "")
    gains = [line for line in project.lode("plan").stdout.splitlines() if "shop.quarantine.orders" in line]
    assert len(gains) == 1 and "owner and engineers of shop except role dpo" in gains[0] and "gains" in gains[0] and "landing" in gains[0], gains
    project.lode("apply")
    assert "ann sees shop.quarantine.orders" in project.lode("why", "ann", "shop.quarantine.orders").stdout
    project.write("policies.yml", "- tag: pii\n  who: [role dpo]\n  mask: hash\n")
    lost = [line for line in project.lode("apply").stdout.splitlines() if "loses" in line]
    assert [line.split()[-1] for line in lost] == ["shop.quarantine.orders", "shop.quarantine.rows"], lost
    assert "owner and engineers of shop who are role dpo" in lost[0]


def test_a_guess_is_not_the_word_that_was_refused(project: Project) -> None:
    with_policy(project, "region = 'EU'")
    project.write("zones/shop/access.yml", "rules:\n- who: everyone\n  on: [analytical.*]\n  rows: no in (select no from canonical.customer c)\n")
    answer = project.lode("plan").stderr
    assert "no column 'no'; a table of the statement has it, but none that can be read from there" in answer and "did you mean no?" not in answer, answer
    assert answer.count("does not fit shop.analytical.sales") == 1


@pytest.mark.parametrize("file, text, place, hint", [
    ("zones/shop/canonical/orders.sql", "-- term: ordr\nselect number from staging.orders\n", ":1:10", "terms.yml has no term 'ordr'; did you mean order?"),
    ("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [canonical.orders]\n  mask:\n    region: partal 2\n", ":5:13", "did you mean partial?"),
    ("policies.yml", "- tag: pii\n  who: everyone\n  mask: bukket 5\n", ":3:9", "did you mean bucket?"),
    ("zones/shop/access.test.yml", "tests:\n- who: bo\n  on: canonical.orderz\n  key: no\n  sees: [1]\n", ":3:7", "`on` names canonical.orderz"),
])
def test_slips_are_told_with_what_was_meant(project: Project, file: str, text: str, place: str, hint: str) -> None:
    with_policy(project, "region = 'EU'")
    project.write("zones/shop/terms.yml", "terms:\n- name: order\n  meaning: what somebody buys\n")
    project.write(file, text)
    answer = project.lode("check", check=False).stderr
    assert f"{file}{place}" in answer and hint in answer, answer


def test_a_zone_that_is_written_wrong_in_a_grant_is_named(project: Project) -> None:
    with_policy(project, "region = 'EU'")
    project.write("zones/shop/egress/sales.sql", "select region, n from analytical.sales\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [zone finanse]\n  on: [egress.sales]\n")
    project.write("zones/finance/zone.yml", "owner: ann\n")
    project.write("zones/finance/canonical/sales.sql", "select region, n from shop.egress.sales\n")
    told_of = project.lode("check", check=False).stderr
    assert "zones/shop/access.yml:2 grants it to the zone 'finanse', which is not there; did you mean finance?" in told_of, told_of
