-- SPDX-License-Identifier: Apache-2.0
-- Statements of every form that the tree knows: each must come back from print(parse(text)) as the same tree.
-- One statement ends with a semicolon at the end of a line. No table here need exist.

-- Forms, one by one
select 1;
select all a from z.s.t;
select distinct a from z.s.t;
select distinct on (a, b) a, c from z.s.t order by a, c desc nulls last;
select * from z.s.t limit 10 offset 5;
select * from z.s.t limit 10%;
select * from z.s.t limit (select 3);
select * from z.s.t using sample 10%;
select * from z.s.t using sample 5 rows;
select * from z.s.t using sample reservoir(50 rows) repeatable (100);
select * from z.s.t tablesample bernoulli(10);
select * from z.s.t tablesample system(10%);
select a, count(*) from z.s.t group by a having count(*) > 1;
select a, count(*) from z.s.t group by all order by all;
select a, b, sum(c) from z.s.t group by grouping sets ((a), (b), ());
select a, b, sum(c), grouping(a, b) from z.s.t group by rollup (a, b);
select a, b, sum(c) from z.s.t group by cube (a, b);
select * exclude (a) replace (b + 1 as b) from z.s.t;
select * rename (a as b) from z.s.t;
select t.* exclude (a) from z.s.t t;
select columns('a.*') from z.s.t;
select columns(x -> x like 'a%') from z.s.t;
select columns(*) from z.s.t;
select *columns(*) from z.s.t;
select min(columns(* exclude (b))) from z.s.t;
select coalesce(*columns('x_.*')) from z.s.t;
select * like 'a%' from z.s.t;
select * not ilike 'a%' from z.s.t;
select * similar to 'a.*' from z.s.t;
from z.s.t;
from z.s.t select a where b = 1;
select a from z.s.t join z.s.u on t.x = u.x;
select a from z.s.t left join z.s.u using (x, y);
select a from z.s.t natural full outer join z.s.u;
select a from z.s.t cross join z.s.u;
select a from z.s.t, z.s.u, z.s.v;
select a from z.s.t semi join z.s.u using (x);
select a from z.s.t anti join z.s.u on t.x = u.x;
select a from z.s.t asof join z.s.u on t.k = u.k and t.ts >= u.ts;
select a from z.s.t asof left join z.s.u using (k, ts);
select a from z.s.t positional join z.s.u;
select a from z.s.t right join (select 1 as x) q on true;
select a from z.s.t inner join lateral (select t.b as c) q on true;
select a from z.s.t, lateral (select t.b + 1) q(c);
select * from (values (1, 'a'), (2, 'b')) v(x, y);
values (1, 2), (3, 4);
select * from (select 1) q;
select * from range(10);
select * from generate_series(1, 10, 2) g(i);
select * from unnest([1, 2, 3]) with ordinality;
select * from unnest([1, 2, 3]) u(x);
select unnest([1,2,3]);
select unnest({'a': 1, 'b': {'c': 2}}, recursive := true);
with c as (select 1 as x) select * from c;
with c(a, b) as materialized (select 1, 2), d as not materialized (select * from c) select * from d;
with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r;
with recursive r(n) as (select 1 union select n + 1 from r where n < 5) select * from r;
with recursive r(n, m) using key (n) as (select 1, 2 union select n + 1, m from r where n < 5) select * from r;
with recursive tbl(a, b) using key (a, max(b)) as (select 1, 2 union select a, b+1 from tbl where b < 5) select * from tbl;
select 1 union select 2;
select 1 union all select 2 union all select 3 order by 1 limit 2;
select 1 intersect select 2;
select 1 except all select 2;
select 1 as a union by name select 2 as b;
select 1 as a union all by name select 2 as b;
(select 1 limit 1) union all (select 2 order by 1);
select a, sum(b) over (partition by c order by d rows between 1 preceding and current row) from z.s.t;
select row_number() over w, rank() over (w order by b) from z.s.t window w as (partition by a);
select sum(b) over (order by c range between interval 1 day preceding and unbounded following exclude current row) from z.s.t;
select sum(b) over (order by c groups between 2 preceding and 3 following exclude ties) from z.s.t;
select sum(b) filter (where b > 1) over () from z.s.t;
select sum(distinct b) over (partition by a) from z.s.t;
select first_value(b order by d) over (partition by a) from z.s.t;
select percent_rank() over (order by a), cume_dist() over (order by a), ntile(4) over (order by a), nth_value(a, 2) over (order by a), dense_rank() over (order by a), lead(a) over (order by a), last_value(a) over (order by a), fill(a) over (order by a) from z.s.t;
select a from z.s.t qualify row_number() over (partition by a order by b) = 1;
select sum(a) filter (where b > 0), count(distinct c), string_agg(d, ',' order by e desc) from z.s.t;
select percentile_cont(0.5) within group (order by a desc) from z.s.t;
select list(a order by b nulls first) from z.s.t;
select case when a = 1 then 'x' when a = 2 then 'y' else 'z' end from z.s.t;
select case a when 1 then 'x' end from z.s.t;
select cast(a as integer), try_cast(b as decimal(10, 2)), c::varchar, d::integer[], e::struct(x integer, y varchar), f::map(varchar, integer), g::integer[3], h::enum('a', 'b') from z.s.t;
select a::timestamp with time zone, b::time with time zone, c::double precision, d::bit, e::uuid, f::hugeint, g::union(a integer, b varchar) from z.s.t;
select date '2020-01-01', timestamp '2020-01-01 00:00:00', interval '1 day', interval 1 month, interval (a) hour, time '12:00';
select a between 1 and 2, a not between 1 and 2 from z.s.t;
select a in (1, 2), a not in (select b from z.s.u), (a, b) in (select 1, 2), a in [1,2] from z.s.t;
select exists (select 1), not exists (select 2), (select max(a) from z.s.t);
select a = any (select 1), a > all (select 2), a = any([1,2]), a <> all([1]) from z.s.t;
select a is null, a is not null, a is distinct from b, a is not distinct from b, a isnull, a notnull from z.s.t;
select a is true, a is not false, a is unknown from z.s.t;
select not a and (b or c), -a, +a, ~a from z.s.t;
select a + b - c * d / e % f // g ** h ^ i from z.s.t;
select a & b | c << 1 >> 2, xor(a, b) from z.s.t;
select a || b, a like 'x%', a not like 'y', a ilike 'z', a not ilike 'q', a like 'x!%' escape '!', a not like 'x!%' escape '!', a ilike 'e' escape '!', a not ilike 'e' escape '!', a similar to 'x', a not similar to 'x', a similar to 'x' escape '!', a ~ 'x', a !~ 'x', a ~~ 'x', a !~~ 'x', a ~~* 'x', a !~~* 'x', a ~* 'x', a !~* 'x', a glob 'x*', a ~~~ 'x', a ^@ 'x', a not glob 'x' from z.s.t;
select a collate nocase, b collate "de" from z.s.t order by a collate nocase;
select [1, 2, 3], {'a': 1, b: 2}, map {'x': 1}, array[1,2], (1, 2), row(1, 2), [];
select a[1], a[1:2], a[-1], a[1:], a[:2], a[1:3:2], a[:], m['k'], s.f, (s).f, (s).f.g, s['f'] from z.s.t;
select [x + 1 for x in a if x > 1], list_transform(a, lambda x: x + 1), list_transform(a, x -> x + 1), list_filter(a, lambda x, i: i > 1), list_reduce(a, lambda x, y: x + y) from z.s.t;
select a.upper().lower(), a.list_sort()[1] from z.s.t;
select extract(year from a), extract('month' from a), date_part('day', a), substring(a from 1 for 2), position('x' in a), trim(both 'x' from a), trim(leading from a), overlay(a placing 'x' from 1 for 2), trim(a) from z.s.t;
select current_date, current_timestamp, current_time, now(), localtime, localtimestamp, current_user, session_user, user, current_schema, current_catalog, current_role;
select current_date(), current_user(), current_timestamp();
select a at time zone 'UTC' from z.s.t;
select #1 from z.s.t;
select null::integer, true, false;
select t from z.s.t t;
select t.*, u.a from z.s.t t, z.s.u u;
select "weird ""name" as "Q q" from "z z"."s"."t-t" as "a a";
select z.s.t.a from z.s.t;
select s.t.a from z.s.t;
select a as b, b c, c "D" from z.s.t;
select a: 1, b: x + 1 from z.s.t;
select * from q: z.s.t;
select 'a' as x order by x collate nocase desc nulls last;
pivot z.s.t on a in ('x', 'y') using sum(b) group by c;
pivot z.s.t on a in (1, 2), d in (3) using sum(b) as s, max(c) group by e;
select * from z.s.t pivot (sum(b) for a in ('x', 'y') group by c);
select * from z.s.t pivot (sum(b) as total for a in ('x' as xx, 'y') d in (1, 2)) p;
unpivot z.s.t on a, b into name n value v;
unpivot z.s.t on columns(* exclude (x)) into name n value v;
select * from z.s.t unpivot (v for n in (a, b));
select * from z.s.t unpivot include nulls (v for n in (a as 'A', b));
select * from z.s.t unpivot ((v, w) for n in ((a, b), (c, d)));
select * from 'x.parquet';
select * from "x.parquet";
select * from read_csv('/etc/passwd');
select * from read_csv('/etc/passwd', header = true, columns := {'a': 'int'});
select * from query_table('x');
select * from query('select 1');
table z.s.t;
select count(), count(*), count(a), sum(all a) from z.s.t;
select system.main.lower('x'), main.lower('X'), lower(main.x);
select struct_pack(a := 1, b := 2), struct_insert(s, c := 3), func(a => 1);
select a, (select b from z.s.u where u.x = t.x) from z.s.t;
select array(select a from z.s.t);
select a from z.s.t group by 1 order by 1;
select unnest(s) from z.s.t;
select a from z.s.t t(a, b);
select ln(a), a!  from z.s.t;
select grouping_id(a) from z.s.t group by a;
select a from z.s.t where a = 1 and b = 2 and (c = 3 or d = 4) and not (e = 5);
select row(a, b) = row(1, 2), (a, b) > (1, 2) from z.s.t;
select variant_extract(a, 'x') from z.s.t;
select a from z.s.t where a <> 1 and b != 2 and c == 3;
select 1 where false;
select distinct a from z.s.t order by a limit 3 offset 1;
select * from z.s.t t join z.s.u u using (x) join z.s.v v on v.y = u.y;
select * from z.s.t limit all;
select * from z.s.t offset 3;
select * from z.s.t fetch first 3 rows only;
select strptime(a, '%d') from z.s.t;
select e'\u00e4', U&'\00e4';
select * from json_each('{"a":1}');
select * from z.s.t where a in (1,2,3) or a is null;
select * from nearest_test;
select typeof(a), a::"INTEGER" from z.s.t;
select generate_subscripts([1,2], 1);
select * from range(3) t(i), range(t.i) u(j);
select * from (z.s.t join z.s.u on true) x;
select 1 from (select 1) as q(a), (values (1)) as w;
select arg_max(a, b), histogram(a) from z.s.t;
select * from z.s.t positional join z.s.u join z.s.v on true;
select export_state(sum(a)) from z.s.t;
select a.b.c.d.e from z.s.t;
-- Literals
select 0, 00, 1, -1, - 1, - -1, 123456789012345678901234567890, 1_000_000;
select 1.0, .5, 5., 1e3, 1E-3, 1.5e+10, -2.5, -1e5;
select '', ' ', 'it''s', 'a"b', 'line
break', e'tab\there', e'quote\'s', $$dollar $ quoted$$, $tag$it's $$ in here$tag$;
select true, false, null, TRUE, Null;
select 'ünïcödé', '日本語', '🐘';
select x'00ff', x'';
select date '2026-11-26', time '02:13:44', timestamp '2026-11-26 02:13:44', timestamptz '2026-11-26 02:13:44+01';
select interval 3 days, interval '3' day, interval (1 + 2) hours, interval '1 year 2 months', interval 5 minute;
select [1, 2, 3], [], [[1], [2, 3]], ['a', null];
select {'a': 1, 'b': {'c': 2}}, {a: 1, "B c": 2}, {'it''s': 3};
select map {'a': 1, 'b': 2}, map {}, map {1: [2, 3]}, map([1, 2], ['a', 'b']);
select row(1, 'a'), (1, 2, 3), row(1);

-- Names
select a, A, "a", "A b", "quote""d", "select", "from" from "order" as "group";
select t.a, "T".b, t."weird name" from z.s."t" as t;
select zähler from größe.täg."Maß";
select a b, c as d, e "F g", h as "select" from t;
select a: b, c: d + 1 from t;
from t select a;
from t;
from t where a > 1;
select * from t as x(a, b, "C d");
select struct_col.field, t.struct_col.field.inner from t;
select z.s.t.a, s.t.b from z.s.t;
table t;

-- Operators
select a + b, a - b, a * b, a / b, a // b, a % b, a ** b, a ^ b from t;
select a + b * c, (a + b) * c, a - (b - c), a - b - c, a / (b * c), -a * b, -(a * b), (-a) ^ 2, -a ^ 2, -(2) ^ 2 from t;
select a & b, a | b, xor(a, b), a << b, a >> b, ~a from t;
select a || b || c, a || (b || c) from t;
select a = b, a == b, a <> b, a != b, a < b, a <= b, a > b, a >= b from t;
select a is distinct from b, a is not distinct from b from t;
select not a, not not a, a and b or c, a and (b or c), not (a and b), a and b and c and d, a or b or c from t;
select a is null, a is not null, a isnull, a notnull, (a + b) is null from t;
select a is true, a is not true, a is false, a is not false, a is unknown, a is not unknown from t;
select a between b and c, a not between b and c, a between b and c and d, (a between b and c) = d from t;
select a between b and c and not d from t;
select a in (1), a in (1, 2, 3), a not in ('x', 'y'), (a, b) in ((1, 2), (3, 4)) from t;
select a in (select b from u), a not in (select b from u), (a, b) in (select c, d from u) from t;
select a = any (select b from u), a <> all (select b from u), a > any (select b from u), a <= all (select b from u), a = some (select b from u) from t;
select a = any ([1, 2]), a = any (b), a <> all ([1, 2]) from t;
select exists (select 1 from u), not exists (select 1 from u where u.a = t.a) from t;
select a like 'x%', a not like 'x%', a ilike 'x%', a not ilike 'x%', a like 'x!%' escape '!', a not like 'x' escape '!' from t;
select a similar to 'x.*', a not similar to 'x', a ~ 'x', a !~ 'x', a glob '*x' from t;
select a ^@ 'x', a @> b, a <@ b, a && b, a <-> b, a <=> b from t;
select a -> 'b', a ->> 'b', a -> 'b' ->> 'c', a -> 0 from t;
select @a, a!, (a)! from t;
select a collate nocase, a collate nocase.noaccent = b from t order by a collate nocase;
select a::integer, a::decimal(10, 2), a::varchar(10), a::text, (a + 1)::bigint, a::int::text, -1::int, (-1)::int from t;
select cast(a as double), try_cast(a as date), cast(a as timestamp with time zone), cast(a as int[]), cast(a as int[3]), cast(a as int[][]) from t;
select cast(a as struct(x int, y varchar)), cast(a as struct(x struct(y int)[])), cast(a as map(varchar, int[])), cast(a as union(n int, s varchar)) from t;
select cast(a as enum('x', 'y''z')), a::hugeint, a::uuid, a::blob, a::bit, a::json, a::interval, a::time, a::float4, a::int8 from t;
select a at time zone 'UTC', a at time zone b from t;
select a[1], a[-1], a[1:2], a[1:], a[:2], a[:], a[1:10:2], a[b], a[b + 1], a['k'], a[1][2], a[1].b from t;
select (a).b, (a).b.c, (a[1]).b, a.b.c, (f(a)).b from t;
select case when a then b end, case when a then b when c then d else e end, case a when 1 then 'x' when 2 then 'y' else 'z' end from t;
select case when a then case when b then 1 else 2 end else 3 end from t;
select coalesce(a), coalesce(a, b, c), nullif(a, b), ifnull(a, b), if(a, b, c), greatest(a, b), least(a, b), try(a / b) from t;

-- Functions
select f(), f(a), f(a, b), f(a := 1), f(a, b := 2), f(a => 1), "Weird f"(a) from t;
select count(*), count(), count(a), count(distinct a), count(distinct (a, b)), sum(all a) from t;
select sum(a) filter (where b > 0), sum(distinct a) filter (where b), count(*) filter (b > 1) from t;
select string_agg(a, ','), string_agg(a, ',' order by b), string_agg(distinct a, ',' order by a desc nulls last), list(a order by b, c desc) from t;
select percentile_cont(0.5) within group (order by a), percentile_disc(0.9) within group (order by a desc), mode() within group (order by a) from t;
select quantile_cont(a, [0.25, 0.5]), approx_quantile(a, 0.9), arg_max(a, b), arg_min(a, b, 3), max(a, 2) from t;
select extract(year from a), extract('month' from a), extract(epoch from a), date_part('day', a), date_trunc('month', a) from t;
select substring(a from 2), substring(a from 2 for 3), substring(a for 3), substring(a, 2, 3) from t;
select position('x' in a), overlay(a placing 'y' from 1 for 2), trim(a), trim(both from a), trim(both 'x' from a), trim(leading 'x' from a), trim(trailing from a) from t;
select current_date, current_timestamp, current_time, localtime, localtimestamp, now(), today(), current_date() from t;
select a.upper(), a.lower().trim(), t.a.length(), a.substring(1, 2), ([1, 2]).list_sum() from t;
select unnest(a), unnest([1, 2]), unnest(a, recursive := true), unnest(a, max_depth := 2) from t;
select list_transform(a, lambda x: x + 1), list_filter(a, lambda x: x > 1 and x < 5), list_reduce(a, lambda x, y: x + y), list_transform(a, lambda x, i: x * i) from t;
select list_transform(a, x -> x + 1), list_transform(a, (x, i) -> x + i), list_filter(a, x -> x is not null) from t;
select list_transform(a, lambda x: list_transform(x, lambda y: y + 1)) from t;
select [x * 2 for x in a], [x for x in a if x > 1], [x + y for x, y in a] from t;
select array(select a from t order by a);
select grouping(a), grouping(a, b), grouping_id(a) from t group by cube (a, b);
select struct_pack(a := 1, b := 'x'), struct_insert(s, c := 3), struct_extract(s, 'a') from t;
select json_extract(a, '$.b'), json_extract_string(a, '$.c[0]'), json_object('a', 1, 'b', a) from t;
select $1, $2, $1 + $2;
select $first, $second;
select ?, ?;

-- Stars
select *, t.*, t.* exclude (a), * exclude (a, b), * exclude a from t;
select * replace (a + 1 as a), * replace (a as b, c as d), t.* replace (upper(a) as a) from t;
select * rename (a as b), * exclude (a) replace (b + 1 as b) rename (c as d) from t;
select * exclude (t.a, u.b) from t, u;
select columns(*), columns('a.*'), columns(['a', 'b']), columns(* exclude (a)), columns(t.*) from t;
select columns(lambda c: c like 'a%'), columns(c -> c like 'a%') from t;
select max(columns(*)), columns(*) + 1, columns('a') + columns('a'), coalesce(*columns('x.*')) from t;
select * like 'a%', * not like 'b%', * ilike 'c%', * similar to 'd.*' from t;
select #1, #2 from t order by #1;

-- Relations
select * from a, b, c where a.x = b.x;
select * from a join b on a.x = b.x join c on b.y = c.y;
select * from a join (b join c on b.y = c.y) on a.x = b.x;
select * from (a join b on a.x = b.x) join c using (y);
select * from a left join b using (x), c cross join d;
select * from a, b join c on b.x = c.x;
select * from a left outer join b using (x, y) right join c on true full outer join d using (z);
select * from a natural join b natural left join c natural full join d;
select * from a semi join b on a.x = b.x anti join c using (y);
select * from a asof join b on a.k = b.k and a.t >= b.t;
select * from a asof left join b using (k, t);
select * from a positional join b;
select * from a inner join lateral (select * from b where b.x = a.x) c on true;
select * from a, lateral (select a.x + 1 as y), lateral (select y + 1 as z);
select * from (select 1), (select 2) as q, (select 3) r(a);
select * from (values (1, 'a'), (2, 'b')), (values (1)) v(x);
select * from (from t), (table u);
select * from ((select 1 as a)) x;
select * from (a join b using (x)) as j;
select * from range(10), generate_series(1, 10, 2) as g(i), unnest([1, 2]) as u(x), repeat('a', 3);
select * from unnest([1, 2]) with ordinality as u(x, n);
select * from json_each('{"a": 1}') j, t, range(t.n) r;
select * from t tablesample 10%, u tablesample reservoir(20 rows), v tablesample bernoulli(5 percent);
select * from t tablesample system(10%) repeatable (42);
select * from t using sample 10%;
select * from t using sample 100;
select * from t using sample bernoulli(10%) repeatable (7);
select * from q: t;

-- Clauses
select distinct a, b from t;
select distinct on (a) a, b from t order by a, b desc;
select distinct on (a, b + 1) * from t;
select a from t where b group by a having count(*) > 1 order by a limit 10 offset 5;
select a, b, sum(c) from t group by 1, 2 order by 3 desc;
select a, sum(b) from t group by all having sum(b) > 1 order by all;
select a from t order by all desc nulls first;
select a from t order by a, b desc, c asc nulls last, d + 1 desc nulls first, 2;
select a, b from t group by grouping sets ((a), (b), (a, b), ());
select a, b from t group by rollup (a, b);
select a, b from t group by cube (a, b);
select a, b, c from t group by a, rollup (b, c);
select a, b from t group by a, grouping sets ((b), ());
select a from t group by ();
select sum(a) from t group by grouping sets ((), ());
select a from t limit 10;
select a from t offset 10;
select a from t limit 10 offset 20;
select a from t limit 50%;
select a from t limit (select max(n) from u) offset (1 + 1);
select a from t limit $1 offset $2;
select a from t fetch first 5 rows only;
select a from t qualify row_number() over (partition by b order by c) = 1;
select a, b from t where a > 1 qualify sum(b) over (partition by a) > 10 order by a;
(select a from t order by a limit 5) order by a desc limit 2;
((select a from t limit 5) limit 4) limit 3;

-- Windows
select row_number() over (), rank() over (order by a), dense_rank() over (partition by a order by b), percent_rank() over (order by a), cume_dist() over (order by a), ntile(4) over (order by a) from t;
select lag(a) over (order by b), lag(a, 2) over (order by b), lag(a, 2, 0) over (order by b), lead(a ignore nulls) over (order by b), first_value(a respect nulls) over (order by b), last_value(a) over (order by b), nth_value(a, 3) over (order by b) from t;
select sum(a) over (order by b rows between 2 preceding and 1 following), sum(a) over (order by b rows unbounded preceding), sum(a) over (order by b rows current row) from t;
select sum(a) over (order by b range between 1 preceding and current row), sum(a) over (order by b range between interval 7 days preceding and interval 1 day following), sum(a) over (order by b range between unbounded preceding and unbounded following) from t;
select sum(a) over (order by b groups between 1 preceding and 2 following exclude current row), sum(a) over (order by b rows between unbounded preceding and current row exclude group), sum(a) over (order by b rows between current row and unbounded following exclude ties) from t;
select sum(a) over w, avg(a) over (w order by c), count(*) over (w rows between 1 preceding and 1 following) from t window w as (partition by b);
select sum(a) filter (where b > 0) over (order by c), count(distinct a) over (partition by b), string_agg(a, ',' order by a) over (partition by b) from t;
select sum(sum(a)) over (order by b) from t group by b;
select a - lag(a) over (partition by b order by c) as delta, a / sum(a) over () as share from t;
select fill(a) over (order by b) from t;

-- Set operations
select 1 union select 2;
select 1 union all select 2;
select 1 union all select 2 union select 3 except select 4 intersect select 5;
select 1 union (select 2 union all select 3);
(select 1 union select 2) intersect all (select 3 except all select 4);
select 1 as a union by name select 2 as b;
select 1 as a union all by name select 2 as b order by a limit 1;
(select a from t order by a limit 1) union all (select b from u order by b limit 1) order by 1;
values (1, 'a'), (2, 'b');
values (1), (2) order by 1 limit 1;
select 1 union all values (2);
(values (1)) union all select 2;
select * from (select 1 union all select 2) q;

-- WITH
with a as (select 1) select * from a;
with a as (select 1 as x), b as (select x + 1 as y from a), c(z) as (select y from b) select * from a, b, c;
with a as materialized (select 1), b as not materialized (select 2) select * from a, b;
with a as (with b as (select 1) select * from b) select * from a;
with a as (select 1) select * from (with a as (select 2) select * from a) q, a;
with a as (select 1) select 2 union all select * from a;
(with a as (select 1) select * from a) union all (with a as (select 2) select * from a);
select (with a as (select 1) select * from a), exists (with b as (select 2) select * from b);
with recursive r as (select 1 as n union all select n + 1 from r where n < 10) select * from r;
with recursive r(n, m) as (select 1, 2 union select n + 1, m * 2 from r where n < 5), s as (select * from r) select * from s;
with recursive a as (select 1 as x), r(n) as (select x from a union all select n + 1 from r where n < 3) select * from r;
with recursive r(k, v) using key (k) as (select 1, 10 union select k, v + 1 from r where v < 20) select * from r;
with recursive walk(id, parent, depth) as (select id, parent, 0 from t where parent is null union all select t.id, t.parent, depth + 1 from t join walk on t.parent = walk.id) select * from walk order by depth, id;
with a as (values (1), (2)), b as (from a) select * from b;

-- PIVOT and UNPIVOT
pivot t on year in (2025, 2026) using sum(amount) group by region;
pivot t on year in (2025, 2026), quarter in ('q1', 'q2') using sum(amount) as total, max(amount) group by region;
pivot t on year in (2025, 2026) using first(amount);
pivot (select * from t where a > 1) on year in (2025) using count(*);
select * from t pivot (sum(amount) for year in (2025 as y25, 2026 as y26) group by region) as p;
select * from t pivot (sum(amount) for (year, quarter) in ((2025, 'q1'), (2026, 'q2')));
select p.* from t pivot (sum(amount) for year in (2025)) p join u on p.region = u.region;
unpivot t on jan, feb, mar into name month value sales;
unpivot t on (jan, feb) as h1, (mar, apr) as h2 into name half value first, second;
unpivot t on columns(* exclude (region)) into name month value sales;
unpivot t on * exclude (region) into name month value sales;
select * from t unpivot (sales for month in (jan, feb as 'February'));
select * from t unpivot include nulls (sales for month in (jan, feb));

-- Subqueries
select (select max(b) from u where u.a = t.a), (select count(*) from u) from t;
select * from t where a > (select avg(a) from t) and b in (select b from u where u.c = t.c);
select * from t where (select count(*) from u where u.a = t.a) > 1;
select a from t where exists (select * from u where u.a = t.a and exists (select 1 from v where v.b = u.b));
select * from (select a, (select b from u limit 1) as b from (select a from t where a > 0) x) y where b is not null;

-- Questions as in a warehouse benchmark: orders, their lines, parts, suppliers, customers
select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty, sum(l_extendedprice * (1 - l_discount)) as sum_price,
       avg(l_discount) as avg_discount, count(*) as lines
from w.s.lineitem where l_shipdate <= date '1998-12-01' - interval 90 day
group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus;
select s.s_acctbal, s.s_name, n.n_name, p.p_partkey
from w.s.part p, w.s.supplier s, w.s.partsupp ps, w.s.nation n
where p.p_partkey = ps.ps_partkey and s.s_suppkey = ps.ps_suppkey and s.s_nationkey = n.n_nationkey and p.p_size = 15
  and p.p_type like '%BRASS'
  and ps.ps_supplycost = (select min(ps2.ps_supplycost) from w.s.partsupp ps2 where ps2.ps_partkey = p.p_partkey)
order by s.s_acctbal desc, n.n_name limit 100;
select o_orderpriority, count(*) as n from w.s.orders
where o_orderdate >= date '1993-07-01' and o_orderdate < date '1993-07-01' + interval '3' month
  and exists (select 1 from w.s.lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate)
group by o_orderpriority order by o_orderpriority;
select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue
from w.s.customer join w.s.orders on c_custkey = o_custkey join w.s.lineitem on l_orderkey = o_orderkey
     join w.s.supplier on l_suppkey = s_suppkey and c_nationkey = s_nationkey join w.s.nation on s_nationkey = n_nationkey
where o_orderdate between date '1994-01-01' and date '1994-12-31'
group by n_name order by revenue desc;
select sum(l_extendedprice * l_discount) as revenue from w.s.lineitem
where l_shipdate >= date '1994-01-01' and l_discount between 0.06 - 0.01 and 0.06 + 0.01 and l_quantity < 24;
select supp_nation, l_year, sum(volume) as revenue
from (select n1.n_name as supp_nation, extract(year from l_shipdate) as l_year, l_extendedprice * (1 - l_discount) as volume
      from w.s.lineitem, w.s.nation n1, w.s.nation n2
      where (n1.n_name = 'FRANCE' and n2.n_name = 'GERMANY') or (n1.n_name = 'GERMANY' and n2.n_name = 'FRANCE')) shipping
group by supp_nation, l_year order by 1, 2;
select o_year, sum(case when nation = 'BRAZIL' then volume else 0 end) / sum(volume) as share
from (select year(o_orderdate) as o_year, l_extendedprice as volume, n_name as nation from w.s.lineitem, w.s.orders, w.s.nation) x
group by o_year order by o_year;
select ps_partkey, sum(ps_supplycost * ps_availqty) as value from w.s.partsupp group by ps_partkey
having sum(ps_supplycost * ps_availqty) > (select sum(ps_supplycost * ps_availqty) * 0.0001 from w.s.partsupp)
order by value desc;
select l_shipmode, sum(case when o_orderpriority = '1-URGENT' or o_orderpriority = '2-HIGH' then 1 else 0 end) as high
from w.s.orders, w.s.lineitem where o_orderkey = l_orderkey and l_shipmode in ('MAIL', 'SHIP') group by l_shipmode;
select c_count, count(*) as n from (select c_custkey, count(o_orderkey) from w.s.customer left outer join w.s.orders
on c_custkey = o_custkey and o_comment not like '%special%requests%' group by c_custkey) as c_orders (c_custkey, c_count)
group by c_count order by n desc, c_count desc;
select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end)
       / sum(l_extendedprice * (1 - l_discount)) as promo from w.s.lineitem, w.s.part where l_partkey = p_partkey;
with revenue as (select l_suppkey as supplier_no, sum(l_extendedprice * (1 - l_discount)) as total from w.s.lineitem group by l_suppkey)
select s_suppkey, s_name, total from w.s.supplier, revenue where s_suppkey = supplier_no and total = (select max(total) from revenue);
select p_brand, count(distinct ps_suppkey) as n from w.s.partsupp, w.s.part where p_partkey = ps_partkey and p_brand <> 'Brand#45'
and p_type not like 'MEDIUM POLISHED%' and p_size in (49, 14, 23) and ps_suppkey not in (select s_suppkey from w.s.supplier where s_comment like '%Complaints%')
group by p_brand order by n desc;
select sum(l_extendedprice) / 7.0 as avg_yearly from w.s.lineitem, w.s.part
where p_partkey = l_partkey and l_quantity < (select 0.2 * avg(l_quantity) from w.s.lineitem where l_partkey = p_partkey);
select c_name, o_orderkey, sum(l_quantity) from w.s.customer, w.s.orders, w.s.lineitem
where o_orderkey in (select l_orderkey from w.s.lineitem group by l_orderkey having sum(l_quantity) > 300) group by c_name, o_orderkey limit 100;
select s_name, count(*) as numwait from w.s.supplier, w.s.lineitem l1
where s_suppkey = l1.l_suppkey and exists (select * from w.s.lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey)
  and not exists (select * from w.s.lineitem l3 where l3.l_orderkey = l1.l_orderkey and l3.l_receiptdate > l3.l_commitdate)
group by s_name order by numwait desc, s_name limit 100;
select cntrycode, count(*) as n, sum(c_acctbal) from (select substring(c_phone from 1 for 2) as cntrycode, c_acctbal from w.s.customer
where substring(c_phone from 1 for 2) in ('13', '31') and c_acctbal > (select avg(c_acctbal) from w.s.customer where c_acctbal > 0.00)) as custsale
group by cntrycode order by cntrycode;

-- As models are written
select o.order_id, c.customer_id, c.name as customer, cast(o.amount as decimal(12, 2)) as amount, o.ordered_at::date as day
from staging.orders o left join staging.customers c on c.customer_id = o.customer_id where o.amount is not null;
select date_trunc('month', day) as month, customer, sum(amount) as revenue, count(distinct order_id) as orders,
       sum(sum(amount)) over (partition by customer order by date_trunc('month', day)) as running
from canonical.sales group by all;
with ranked as (select *, row_number() over (partition by customer_id order by changed_at desc, _row desc) as rn from staging.customers)
select * exclude (rn) from ranked where rn = 1;
select coalesce(nullif(trim(region), ''), 'unknown') as region, round(avg(rating), 2) as rating, min(day) as since from canonical.visits group by 1 having count(*) >= 5;
select a from zone.stage.t at (version => 'abc') join u as v at (timestamp => timestamp '2026-01-01') using (a);
