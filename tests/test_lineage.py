# SPDX-License-Identifier: Apache-2.0
"""Tags go with the values: through models, expressions and views, until a model and policies.yml agree that they end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project, make_project
from server import add_user

ORDERS = "id,email,city\n1,ann@x.org,Rome\n2,bob@y.org,Oslo\n"
MODELS = {
    "canonical/person": "select id, lower(email) as contact, city, email || city as both, length(email) as size, count(email) over () as people from staging.orders",
    "canonical/seen": "-- kind: view\nselect contact as how, people from canonical.person",
    "canonical/spelled": "select id, case when email like 'a%' then 'a' else '?' end as first, (select max(v.x) from (values ('ann@x.org')) v(x) where v.x = o.email) as is_ann, "
                         "count(*) over () as people from staging.orders as o",
    "analytical/domain": "-- column domain: text, untag pii\nselect split_part(how, '@', 2) as domain, max(how) as one from canonical.seen group by all",
    "analytical/plain": "select domain from analytical.domain",
}
POLICY = "- tag: pii\n  who: everyone\n  mask: 'null'\n"
CONSENT = "  untag: [shop.analytical.domain.domain]\n"


def shop(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/*.csv\nformat: csv\ncolumns:\n  id: int\n  email: text required tag pii tag contact\n  city: text\n")
    for name, sql in MODELS.items():
        project.write(f"zones/shop/{name}.sql", sql + "\n")
    project.write("policies.yml", POLICY + CONSENT)
    project.drop("shop", "orders_1.csv", ORDERS)
    project.lode("run")
    add_user(project, "oz")
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    yield shop(tmp_path_factory.mktemp("lineage"))


ANSWERS = {
    "staging.orders": "id,email,city\n1,,Rome\n2,,Oslo\n",
    "canonical.person": "id,contact,city,both,size,people\n1,,Rome,,,\n2,,Oslo,,,\n",
    "canonical.seen": "how,people\n,\n,\n",
    "canonical.spelled": "id,first,is_ann,people\n1,,,2\n2,,,2\n",
    "analytical.domain": "domain,one\nx.org,\ny.org,\n",
    "analytical.plain": "domain\nx.org\ny.org\n",
}


@pytest.mark.parametrize("table", ANSWERS)
def test_a_tag_goes_with_the_values_and_binds_the_owner_too(project: Project, table: str) -> None:
    assert project.csv(f"select * from shop.{table} order by all", "--as", "oz") == ANSWERS[table]
    assert project.csv(f"select count(*) as n from shop.{table} where coalesce(columns(*)::text, '') = ''", "--as", "oz")  # asked, not leaked
    assert "ann@x.org" in project.csv("select email from shop.staging.orders")  # the administrator's


def test_show_says_where_values_come_from_and_what_tags_they_carry(project: Project) -> None:
    columns = {column["name"]: column for column in project.json("show", "shop.canonical.person")["columns"]}
    assert columns["contact"]["from"] == ["shop.staging.orders.email"]
    assert columns["both"]["from"] == ["shop.staging.orders.email", "shop.staging.orders.city"]
    assert columns["people"]["from"] == ["shop.staging.orders.email"] and columns["people"]["tags"] == ["pii", "contact"]
    assert columns["contact"]["tags"] == columns["size"]["tags"] == ["pii", "contact"]
    view = {column["name"]: column for column in project.json("show", "shop.canonical.seen")["columns"]}
    assert view["how"]["from"] == ["shop.canonical.person.contact"] and view["how"]["tags"] == ["pii", "contact"]
    assert [column["tags"] for column in project.json("show", "shop.analytical.plain")["columns"]] == [["contact"]]
    assert "shop.staging.orders.email" in project.lode("show", "shop.canonical.person").stdout


def test_show_column_finds_columns_and_follows_them(project: Project) -> None:
    email = project.json("show", "column", "shop.staging.orders.email")
    assert (email["type"], email["tags"], email["from"]) == ("text", ["pii", "contact"], [])
    assert "shop.canonical.person.contact" in email["used_by"] and "shop.canonical.person.both" in email["used_by"]
    assert "shop.canonical.person.city" not in email["used_by"]
    everything = project.json("show", "column")
    assert {(each["table"], each["name"]) for each in everything} >= {("shop.canonical.seen", "how"), ("shop.staging.orders", "id")}
    assert project.json("show", "column", "domain") == [each for each in everything if each["name"] == "domain"]
    assert project.json("show", "column", "shop.canonical") == [each for each in everything if each["table"].startswith("shop.canonical.")]
    assert [each["name"] for each in project.json("show", "column", "shop.canonical.seen")] == ["how", "people"]
    assert "used by    shop.canonical.seen.how" in project.lode("show", "column", "shop.canonical.person.contact").stdout
    assert "did you mean email?" in project.lode("show", "column", "shop.staging.orders.emial", check=False).stderr


def test_a_tag_is_taken_off_only_with_the_consent_of_policies_yml(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("policies.yml", POLICY)
    done = project.lode("check", check=False)
    assert "zones/shop/analytical/domain.sql:1:1  the tag 'pii' cannot be taken off column 'domain'" in done.stderr
    assert "untag: [shop.analytical.domain.domain]" in done.stderr
    project.write("policies.yml", POLICY + "  untag: [shop.analytical.domain.one]\n")
    project.lode("check", check=False)
    project.write("policies.yml", POLICY + CONSENT)
    project.write("zones/shop/analytical/domain.sql", "select split_part(how, '@', 2) as domain, max(how) as one from canonical.seen group by all\n")
    project.lode("apply")  # consent alone takes nothing off; and it needs no new build
    assert project.csv("select * from shop.analytical.domain", "--as", "oz") == "domain,one\n,\n,\n"
    assert project.csv("select * from shop.analytical.plain", "--as", "oz") == "domain\n\"\"\n\"\"\n".replace('""', "")


FORMS = {
    "pivoted": "select * from (pivot staging.orders on city in ('Rome', 'Oslo') using max(email) group by id)",
    "unpivoted": "select v from (select id, city, email from staging.orders) unpivot (v for k in (city, email))",
    "whole": "select o::text as v, to_json(o)::text as j from staging.orders as o",
    "whole_list": "select list(o)::text as v from staging.orders as o",
    "chosen": "select columns(c -> c like 'em%') as v from staging.orders",
    "packed": "select struct_pack(*columns('em.*'))::text as v from staging.orders",
    "captured": "select list_transform([1], x -> email)[1] as v, [email for y in [1]][1] as w from staging.orders",
    "positional": "select b.email as v from (select id from staging.orders) a positional join staging.orders b",
    "asof_joined": "select b.email as v from staging.orders a asof join staging.orders b on a.id >= b.id",
    "joined_using": "select email as v from (select null::text as email) a full join staging.orders b using (email)",
    "by_name": "select x as v from (select null::text as x, id from staging.orders union all by name select id, email as x from staging.orders)",
    "recursive": "with recursive r(x, n) as (select '', 0 union all select o.email, n + 1 from r, staging.orders o where n < 1) select x as v from r",
    "lateral_range": "select substr(o.email, g.i::int, 1) as v from staging.orders o, range(1, 4) g(i)",
    "split": "select u.x as v from staging.orders o, unnest(string_split(o.email, '@')) u(x)",
    "named_window": "select first_value(city) over w as v from staging.orders window w as (partition by email order by id)",
    "ordered": "select string_agg(city, ',' order by email) as v, arg_max(id, email) as w from staging.orders",
    "renamed": "select * replace (email as city) rename (email as v) from staging.orders",
    "positioned": "select c as v from (select * from staging.orders) q(a, c, b)",
    "sets": "select email as v, city, count(*) as n from staging.orders group by grouping sets ((email), (city))",
    "histogram": "select map_keys(histogram(email))::text as v, mode(email) as w, min_by(email, id, 2)::text as x from staging.orders",
    "asked": "select exists (select 1 from staging.orders q where q.email > o.email) as v, 'ann@x.org' = any(select email from staging.orders) as w from staging.orders o",
    "by_key": "select map([city], [email])[city] as v, json_extract_string(json_object('e', email), '$.e') as w from staging.orders",
}


def test_no_form_of_sql_carries_a_value_without_its_tag(tmp_path: Path) -> None:
    project = shop(tmp_path)
    for name, sql in FORMS.items():
        project.write(f"zones/shop/analytical/{name}.sql", f"-- kind: view\n{sql}\n")
    project.lode("run")
    every = " union all ".join(f"select '{name}' as form, to_json(t)::text as told from shop.analytical.{name} t" for name in FORMS)
    hidden, raw = project.query(every, "--as", "oz"), project.query(every)
    assert {row["form"] for row in hidden} == set(FORMS) and len(hidden) == len(raw)
    for part in ("@", "ann", "bob", "x.org", '"w":true'):
        assert not [row for row in hidden if part in row["told"]], (part, hidden)
    assert len({row["form"] for row in raw if "ann" in row["told"] or "x.org" in row["told"]}) > 12


def test_a_tag_that_comes_later_holds_for_what_is_built_already(tmp_path: Path) -> None:
    project = shop(tmp_path)
    source = "from: ingress/*.csv\nformat: csv\ncolumns:\n  id: int tag place\n  email: text required\n  city: text tag place\n"
    project.write("zones/shop/sources/orders.yml", source)
    project.write("policies.yml", "- tag: place\n  who: everyone\n  mask: 'null'\n")
    project.write("zones/shop/analytical/domain.sql", MODELS["analytical/domain"].replace(", untag pii", ""))
    project.lode("apply")
    assert project.csv("select * from shop.canonical.person order by contact", "--as", "oz") == "id,contact,city,both,size,people\n,ann@x.org,,,9,2\n,bob@y.org,,,9,2\n"


LETTERS = ("select o.id, string_agg(c.ch, '' order by n.i) as who from staging.orders o, (select i::bigint as i from range(1, 40) t(i)) n, "
           "(select chr(j::int) as ch from range(32, 127) u(j)) c where substr(o.email, n.i, 1) = c.ch group by o.id\n")
WORDS = "shop.canonical.letters decides by shop.staging.orders.email (pii): its values can be spelled out by that"


def test_a_model_that_decides_by_a_tagged_column_is_told_and_kept(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("zones/shop/canonical/letters.sql", LETTERS)
    project.write("zones/shop/analytical/late.sql", "select id from canonical.person where size > 3\n")
    planned = project.lode("plan").stdout
    assert WORDS in planned and "shop.analytical.late decides by shop.canonical.person.size (pii)" in planned
    assert "contact)" not in planned and "shop.analytical.domain decides" not in planned  # no policy; no change
    assert WORDS in project.lode("plan", "-o", "json").stderr
    assert WORDS in project.lode("apply").stdout
    kept = [line for line in project.json("audit", "--on", "shop.canonical.letters") if line["action"] == "apply" and line["columns"]]
    assert [(line["columns"], line["statement"]) for line in kept] == [(["shop.staging.orders.email"], WORDS)]
    assert "decides" not in project.lode("apply").stdout
    for text, said in (("41", lambda run: run.stdout), ("42", lambda run: run.stderr)):
        project.write("zones/shop/canonical/letters.sql", LETTERS.replace("40", text))
        assert WORDS in said(project.lode("run", *(["-o", "json"] if text == "42" else [])))
    assert "decides" not in project.lode("run").stdout
