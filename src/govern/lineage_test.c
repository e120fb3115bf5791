/* SPDX-License-Identifier: Apache-2.0 */
/* Where the values of a statement's columns come from, for statements that the engine parsed. */
#include "govern/test_world.h"
#include "sql/lineage.h"

/* Three tables: p (id, email, city), o (id, person, amount), t (id, tags). */
static Status find(void *context UNUSED, const SqlNames *path, Arena *arena, LineageTable *out, Error *err UNUSED) {
        static const struct {
                const char *name, *columns[3];
        } tables[] = { { "p", { "id", "email", "city" } }, { "o", { "id", "person", "amount" } }, { "t", { "id", "tags", NULL } } };
        for (size_t i = 0; i < COUNT_OF(tables); i++) {
                if (!str_is(path->items[path->count - 1], tables[i].name))
                        continue;
                out->name = str_of(tables[i].name);
                out->columns = ARENA_ARRAY(arena, Str, 3);
                for (size_t k = 0; k < 3 && tables[i].columns[k]; k++)
                        out->columns[out->column_count++] = str_of(tables[i].columns[k]);
        }
        return STATUS_OK;
}

static void print_sources(Buf *out, const LineageSource *sources, size_t count) {
        for (size_t i = 0; i < count; i++)
                buf_printf(out, "%s%.*s.%.*s", i ? "+" : "", STR_ARG(sources[i].table), STR_ARG(sources[i].column));
}

/* name=p.email+o.amount name=... by p.city ; "~" before one that is open; by: what decides. */
static Str print(const Lineage *lineage, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < lineage->column_count; i++) {
                const LineageColumn *column = &lineage->columns[i];
                buf_printf(&out, "%s%s%.*s=", i ? " " : "", column->open ? "~" : "", STR_ARG(column->name));
                print_sources(&out, column->sources, column->source_count);
        }
        if (lineage->decide_count > 0)
                buf_append_cstr(&out, " by ");
        print_sources(&out, lineage->decides, lineage->decide_count);
        return buf_dup(&out, arena);
}

static const struct {
        const char *sql, *wanted;
} cases[] = {
        /* expressions */
        { "select email from s.p", "email=p.email" },
        { "select lower(email) as e, 1 as one, id + 1 from s.p", "e=p.email one= =p.id" },
        { "select EMAIL as e, x.Email, s.x.city from s.p as x", "e=p.email Email=p.email city=p.city" },
        { "select coalesce(email, city) || '!' as e, email::varchar as c, email collate nocase as d from s.p", "e=p.email+p.city c=p.email d=p.email" },
        { "select email = 'a' as e, email in ('a', city) as f, email between 'a' and city as g, email like '%x' as h from s.p",
          "e=p.email f=p.email+p.city g=p.email+p.city h=p.email" },
        { "select case when email = 'a' then city else 'b' end as e, email is null as f, count(email) as g, count(*) as h from s.p group by all", "e=p.email+p.city f=p.email g=p.email h= by p.email+p.city" },
        { "select max(email) filter (where city = 'x') as e, string_agg(email, ',' order by city) as f, first(id order by email) as g from s.p", "e=p.email+p.city f=p.email+p.city g=p.id+p.email" },
        { "select row_number() over (partition by email order by city) as e, lag(email) over (order by id) as f, sum(id) over () as g from s.p", "e=p.email+p.city f=p.id+p.email g=p.id" },
        { "select struct_pack(a := email).a as e, {'x': email, 'y': city} as f, [email, city][1] as g from s.p", "e=p.email f=p.email+p.city g=p.email+p.city" },
        { "select p from s.p", "p=p.id+p.email+p.city" },
        { "select email.lower() as e from s.p", "e=p.email" },
        { "select list_transform(tags, lambda id: upper(id)) as e from s.t", "e=t.tags" },
        { "select email as e, e || 'x' as f from s.p", "e=p.email f=p.email" },
        { "select try_cast(email as int) as e, email[1:3] as f from s.p", "e=p.email f=p.email" },
        /* stars */
        { "select * from s.p", "id=p.id email=p.email city=p.city" },
        { "select * exclude (id) rename (email as mail) from s.p", "mail=p.email city=p.city" },
        { "select * replace (lower(email) || city as email) from s.p", "id=p.id email=p.email+p.city city=p.city" },
        { "select o.*, p.* exclude (id) from s.p join s.o on p.id = o.person", "id=o.id person=o.person amount=o.amount email=p.email city=p.city by p.id+o.person" },
        { "select columns('e.*') from s.p", "~=p.id+p.email+p.city" },
        { "select max(columns(*)) from s.p", "~=p.id+p.email+p.city" },
        { "select * from s.p join s.o using (id)", "id=p.id+o.id email=p.email city=p.city person=o.person amount=o.amount by p.id+o.id" },
        { "select * from s.p natural join s.o", "id=p.id+o.id email=p.email city=p.city person=o.person amount=o.amount by p.id+o.id" },
        { "select id, o.id as other from s.p full join s.o using (id)", "id=p.id+o.id other=o.id by p.id+o.id" },
        { "select * from s.t join s.p on true join s.o using (person)", "id=t.id tags=t.tags id=p.id email=p.email city=p.city id=o.id person=o.person amount=o.amount" },
        { "select * from s.p semi join s.o on p.id = o.id", "id=p.id email=p.email city=p.city by p.id+o.id" },
        /* queries inside */
        { "select e from (select email as e, city from s.p) as q", "e=p.email" },
        { "select q.b from (select email, city from s.p) as q(a, b)", "b=p.city" },
        { "with q as (select lower(email) as e from s.p), r as (select e as f from q) select f from r", "f=p.email" },
        { "with p as (select city as email from s.p) select email from p", "email=p.city" },
        { "with q(a, b) as (select id, email from s.p) select b from q", "b=p.email" },
        { "select (select max(email) from s.p where p.id = o.person) as e from s.o", "e=o.person+p.id+p.email" },
        { "select (select o.amount + p.id from s.p limit 1) as e from s.o", "e=o.amount+p.id" },
        { "select exists (select email from s.p) as e, person in (select email from s.p) as f from s.o", "e= f=o.person+p.email" },
        { "select amount, x.e from s.o, lateral (select email as e from s.p where id = o.person) as x", "amount=o.amount e=p.email by o.person+p.id" },
        { "select email from s.p union all select city from s.p", "email=p.email+p.city" },
        { "select email, id from s.p union by name select amount as id, 'x' as z from s.o", "email=p.email id=p.id+o.amount z= by p.id+p.email+o.amount" },
        { "select email from s.p intersect select city from s.p", "email=p.email+p.city by p.email+p.city" },
        { "select email from s.p except select city from s.p", "email=p.email by p.email+p.city" },
        { "with recursive r(a, n) as (select email, 1 from s.p union all select r.a || p.city, n + 1 from r, s.p where n < 3) select a, n from r", "a=p.email+p.city n=" },
        { "with recursive r(a, b) as (select 'x', email from s.p union all select b, a from r) select a from r", "a=p.email" },
        { "from s.p select email", "email=p.email" },
        { "values (1, 'a'), (2, 'b')", "col0= col1=" },
        { "select v.a from (values (1)) as v(a)", "a=" },
        { "select u.x from s.t, unnest(t.tags) as u(x)", "x=t.tags by t.tags" },
        { "select unnest(tags) as x from s.t", "x=t.tags by t.tags" },
        { "select * from s.p pivot (max(email) for city in ('a', 'b'))", "~=p.id+p.email+p.city by p.id+p.email+p.city" },
        { "unpivot s.p on email, city into name n value v", "~=p.id+p.email+p.city by p.id+p.email+p.city" },
        { "select email from s.p order by city limit 3", "email=p.email by p.city" },
        { "select distinct on (city) email from s.p", "email=p.email by p.city" },
        /* what spells a value out: in an expression its column is a source ... */
        { "select id, case when email like 'u0%' then 1 else 0 end as e, if(ascii(email) = 48, 'a', 'b') as f from s.p", "id=p.id e=p.email f=p.email" },
        { "select id, coalesce(nullif(email, 'a'), 'b') as e, nullif(email, 'a') is null as f, not (email = 'a') as g from s.p", "id=p.id e=p.email f=p.email g=p.email" },
        { "select id, list_filter(range(1, 100), lambda x: x < ascii(email)) as e, position('@' in email) as f from s.p", "id=p.id e=p.email f=p.email" },
        { "select id, (select max(v.x) from (values ('a'), ('b')) v(x) where v.x = p.email) as e from s.p", "id=p.id e=p.email" },
        { "select id, exists (select 1 from s.o where o.person = p.id and p.email > 'm') as e from s.p", "id=p.id e=p.id+p.email+o.person" },
        { "select id, (select count(*) from range(ascii(p.email))) as e, (select count(*) from (select unnest(range(ascii(p.email))))) as f from s.p", "id=p.id e=p.email f=p.email" },
        { "with x as (select id as i from s.p where email > 'm') select id, id in (select i from x) as e from s.p", "id=p.id e=p.id+p.email" },
        { "select id, count(*) filter (where email > 'm') as e, sum(case when email > 'm' then 1 end) as f from s.p group by id", "id=p.id e=p.email f=p.email by p.id" },
        { "select id, rank() over (order by email) as e, count(*) over (partition by email) as f from s.p", "id=p.id e=p.email f=p.email" },
        { "select id, map_keys(map([email], [1])) as e, email is distinct from 'a' as f, struct_pack(a := email) is null as g from s.p", "id=p.id e=p.email f=p.email g=p.email" },
        { "with recursive r as (select id, email as e, 1 as n, '' as acc from s.p union all select id, e, n + 1, acc || case when substr(e, n, 1) = 'u' then 'u' else '_' end "
          "from r where n < 12) select id, acc from r where n = 12", "id=p.id acc=p.email" },
        /* ... and elsewhere it decides */
        { "select p.id, string_agg(c.ch, '' order by n.i) as who from s.p, (select i from range(1, 40) t(i)) n, (select chr(j::int) as ch from range(32, 127) u(j)) c "
          "where substr(p.email, n.i, 1) = c.ch group by p.id", "id=p.id who= by p.id+p.email" },
        { "select o.id from s.o join s.p on p.id = o.person and p.email like 'a%'", "id=o.id by o.person+p.id+p.email" },
        { "select o.id from s.o semi join s.p on p.id = o.person and p.email like 'a%'", "id=o.id by o.person+p.id+p.email" },
        { "select city from s.p group by city, substr(email, 1, 1)", "city=p.city by p.email+p.city" },
        { "select substr(email, 1, 1) as e, city from s.p group by 1, 2", "e=p.email city=p.city by p.email+p.city" },
        { "select city from s.p group by all having max(email) > 'm'", "city=p.city by p.email+p.city" },
        { "select id from s.p qualify row_number() over (partition by email) = 1", "id=p.id by p.email" },
        { "select id from s.p order by email limit 3", "id=p.id by p.email" },
        { "select id from s.p order by email", "id=p.id" },
        { "select id from s.p limit (select ascii(max(email)) from s.p)", "id=p.id by p.email" },
        { "select count(*) from (select distinct email from s.p)", "= by p.email" },
        { "select count(*) from (select email from s.p intersect all select city from s.p)", "= by p.email+p.city" },
        { "select id from s.p where id in (select id from s.p where email > 'm')", "id=p.id by p.id+p.email" },
        { "with x as (select id from s.p where email > 'm') select id from s.p", "id=p.id" },
        { "with x as (select id from s.p where email > 'm') select id from x", "id=p.id by p.email" },
};

TEST(sources_are_those_whose_values_go_in_and_never_fewer) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str json;
                SqlTree *tree;
                Lineage lineage;
                Str sql = str_of(cases[i].sql);
                Error err = { 0 };
                if (worker_parse(world.worker, sql, &t->arena, &json, &err) != STATUS_OK ||
                    sql_tree_read(json, sql, STR_NONE, &t->arena, &tree, &err) != STATUS_OK ||
                    sql_lineage(tree, &(LineageTables){ NULL, find }, &t->arena, &lineage, &err) != STATUS_OK) {
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].sql, err.message);
                        continue;
                }
                Str found = print(&lineage, &t->arena);
                if (!str_is(found, cases[i].wanted))
                        test_fail(t, __FILE__, __LINE__, "%s\n   comes from %.*s\n   wanted     %s", cases[i].sql, STR_ARG(found), cases[i].wanted);
        }
}
