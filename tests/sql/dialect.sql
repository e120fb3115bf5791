-- Statements that mean something in PostgreSQL, one a line: tests/test_dialect.py
select 10/4
select 10/3
select -7/2
select 1/0
select 1.0/0
select 5 % 0
select -5 % 3
select mod(-5, 3)
select 5.5 % 2
select 2^3
select 2^3::int
select 2 ** 3
select 'a\nb'
select E'a\nb'
select E'\x41\u00e9'
select $$it's$$
select $tag$a$$b$tag$
select 'a' 'b'
select U&'d\0061t'
select B'101'
select X'1F'
select 'a' || null
select 'a' || 1
select 1 || 'a'
select null || 'a' is null
select concat('a', null, 'b')
select concat_ws(',', 'a', null, 'b')
select round(2.5)
select round(-2.5)
select round(0.5::float8)
select round(1.5::float8)
select round(2.5::float8)
select round(2.345, 2)
select round(1234.5, -2)
select round(2.5::numeric)
select trunc(-2.7)
select trunc(2.789, 2)
select ceil(-0.5)
select floor(-0.5)
select date '2026-03-01' - date '2026-02-01'
select date '2026-03-01' + 5
select date '2026-03-01' - 5
select date '2026-03-01' + interval '1 month'
select timestamp '2026-03-01 12:00' - timestamp '2026-02-01'
select timestamp '2026-01-31' + interval '1 month'
select interval '1 day 2 hours'
select interval '1-2'
select interval '90 minutes'
select interval '1 year 2 months 3 days 04:05:06'
select interval 'P1Y2M'
select interval '36 hours'
select justify_hours(interval '36 hours')
select interval '1 day' * 2.5
select interval '1 month' / 2
select age(timestamp '2026-03-01', timestamp '2025-01-15')
select to_char(timestamp '2026-03-01 15:04:05', 'YYYY-MM-DD HH24:MI:SS')
select to_char(1234.5, '9,999.99')
select to_date('2026-03-01', 'YYYY-MM-DD')
select to_timestamp('2026-03-01', 'YYYY-MM-DD')
select to_timestamp(0)
select to_number('12,454.8-', '99G999D9S')
select 'abc' ilike 'A%'
select 'abc' like 'a_c'
select 'a%c' like 'a\%c'
select 'a%c' like 'a!%c' escape '!'
select 'abc' similar to 'a(b|x)c'
select 'abc' similar to 'a%', 'abc' similar to 'b%', 'abc' similar to '%b%', 'abc' similar to 'a_c', 'abc' similar to 'ab'
select 'abc' not similar to 'a%', 'abc' not similar to 'a_'
select 'abc' similar to 'a.c', 'a.c' similar to 'a.c', 'abc' similar to '^abc$', '^a$' similar to '^a$', E'a\nc' similar to 'a_c', E'a\nc' similar to 'a%'
select 'abc' similar to 'x|a%', 'xyz' similar to '(x|a)%', 'aab' similar to 'a+b', 'b' similar to 'a*b', 'ab' similar to 'a?b', 'aaab' similar to 'a{3}b', 'aab' similar to 'a{1,2}b'
select 'a5' similar to 'a[0-9]', 'a_' similar to 'a[%_]', 'ax' similar to 'a[%_]', 'ab' similar to 'a[^b]', 'a.' similar to 'a[.]', 'a1' similar to '[[:alpha:]][[:digit:]]'
select 'a%' similar to 'a\%', 'ab' similar to 'a\%', 'a_' similar to 'a\_', 'a|b' similar to 'a\|b', 'a%' similar to 'a#%' escape '#', 'ab' similar to 'a#%' escape '#', 'a\b' similar to 'a\b' escape '#'
select 'a(b)' similar to 'a\(b\)', 'é1' similar to '_1', 'aé' similar to 'aé%', '' similar to '', '' similar to '%', null similar to 'a'
select 'abc'::text similar to 'A%', 'abc' similar to '%(b|d)%' and true
select 'abc' ~ 'b'
select 'abc' ~ '^b'
select 'ABC' ~* 'b'
select 'abc' !~ 'b'
select 'ABC' !~* 'b'
select 'abc' ~ '\w'
select 'foobar' ~ 'o{2}'
select regexp_replace('foobar', 'o', 'x')
select regexp_replace('foobar', 'o', 'x', 'g')
select regexp_replace('foobar', '(o+)', '<\1>')
select regexp_match('foobar', 'o(b)')
select regexp_matches('foobar', 'o(b)')
select regexp_split_to_array('a,b,c', ',')
select substring('foobar' from 'o(.)b')
select substring('abc', 0)
select substring('abc', 0, 2)
select substring('abc', -1, 3)
select substring('abc' from 2 for 1)
select substr('abc', 2)
select left('abc', -1)
select right('abc', -1)
select split_part('a,b,c', ',', 2)
select split_part('a,b,c', ',', -1)
select split_part('a,b,c', ',', 9)
select position('b' in 'abc')
select strpos('abc', 'z')
select overlay('abcdef' placing 'xx' from 2 for 3)
select trim('  a ')
select trim(both 'x' from 'xax')
select btrim('xax', 'x')
select lpad('a', 3)
select lpad('abc', 2)
select rpad('a', 3, 'xy')
select initcap('hello world')
select repeat('ab', 2)
select reverse('abc')
select ascii('a')
select chr(65)
select length('é')
select octet_length('é')
select char_length('é')
select bit_length('a')
select upper('ß')
select lower('ÀÉ')
select md5('a')
select encode('a'::bytea, 'hex')
select encode('a'::bytea, 'base64')
select decode('6162', 'hex')
select sha256('a'::bytea)
select quote_literal('it''s')
select quote_ident('A b')
select format('%s-%I-%L', 'a', 'B', 'c')
select translate('abc', 'ab', 'x')
select replace('abc', 'b', '')
select 'a' < 'B'
select 'a' = 'a '
select 'a'::char(3) = 'a'
select 'abc'::varchar(2)
select 'abc'::char(2)
select 1.5::text
select 1e20::float8::text
select 1e15::float8::text
select 1e-7::float8::text
select 0.1::float4::text
select 1::float8::text
select 'nan'::float8::text
select 'infinity'::float8::text
select 1.50::numeric::text
select true::text
select true::int
select 1::boolean
select 'yes'::boolean
select 'on'::boolean
select 't'::boolean
select 1.5::int
select 2.5::int
select -1.5::int
select 2.5::float8::int
select '1.5'::int
select ' 1 '::int
select '0x1f'::int
select ''::int
select 'abc'::int
select 2147483647 + 1
select 2147483647::int + 1::int
select 9223372036854775807 + 1
select 32767::int2 + 1::int2
select 1e400::float8
select 100000 * 100000
select 2147483648
select 1.1 + 2.2
select 1.1 * 1.1
select 1.0 / 3
select 1 / 3.0
select 10.00 / 4
select 1::numeric / 3::numeric
select sqrt(2)
select sqrt(-1)
select ln(0)
select exp(1)
select power(2, 0.5)
select power(2, 3)
select cbrt(27)
select log(100)
select log(2, 8)
select pi()
select degrees(pi())
select sign(-2)
select abs(-2147483648)
select factorial(5)
select gcd(12, 18)
select width_bucket(5, 0, 10, 5)
select greatest(1, null, 3)
select least(1, null, 3)
select coalesce(null, 1)
select nullif(1, 1)
select null = null
select null is distinct from null
select 1 is not distinct from null
select 1 in (1, null)
select 2 in (1, null)
select 2 not in (1, null)
select (1, 2) = (1, 2)
select (1, null) = (1, 2)
select row(1, 'a')
select array[1, 2, 3]
select array[1, 2] || 3
select array[1, 2] || array[3]
select (array[1, 2, 3])[1]
select (array[1, 2, 3])[0]
select (array[1, 2, 3])[1:2]
select array_length(array[1, 2], 1)
select array_length(array[]::int[], 1)
select cardinality(array[1, 2])
select array_upper(array[1, 2], 1)
select array_to_string(array[1, null, 3], ',')
select array_to_string(array[1, null, 3], ',', '*')
select string_to_array('a,b', ',')
select array_position(array[1, 2], 2)
select array_append(array[1], 2)
select array_cat(array[1], array[2])
select array_remove(array[1, 2, 1], 1)
select 1 = any(array[1, 2])
select 3 <> all(array[1, 2])
select 1 = any('{1,2}'::int[])
select '{1,2}'::int[]
select '{a,"b c",NULL}'::text[]
select array[1, 2] @> array[1]
select array[1, 2] && array[2]
select unnest(array[1, 2])
select generate_series(1, 3)
select * from generate_series(1, 3)
select * from lower('ABC')
select x.l from upper('abc') as x(l)
select * from abs(-3) a
select count(*) from version()
select count(*) from pg_backend_pid() p where p > 0
select count(*) from current_setting('timezone')
select a, l from (values ('A'), ('B')) v(a), lower(v.a) l order by a
select * from generate_series(1, 10, 3)
select * from generate_series(3, 1)
select * from generate_series(timestamp '2026-01-01', timestamp '2026-01-03', interval '1 day')
select * from unnest(array[1, 2]) with ordinality
select extract(year from date '2026-03-01')
select extract(epoch from timestamp '2026-03-01')
select extract(dow from date '2026-03-01')
select extract(isodow from date '2026-03-01')
select extract(week from date '2026-01-01')
select extract(second from timestamp '2026-03-01 00:00:01.5')
select extract(milliseconds from timestamp '2026-03-01 00:00:01.5')
select extract(quarter from date '2026-03-01')
select extract(century from date '2001-01-01')
select extract(epoch from interval '1 day')
select date_part('year', date '2026-03-01')
select date_part('hour', timestamp '2026-03-01 05:00')
select date_trunc('month', date '2026-03-15')
select date_trunc('week', timestamp '2026-03-15 12:00')
select date_trunc('quarter', timestamp '2026-05-15')
select date_bin('15 minutes', timestamp '2026-03-01 12:34', timestamp '2001-01-01')
select make_date(2026, 3, 1)
select make_timestamp(2026, 3, 1, 1, 2, 3.5)
select make_interval(days => 10)
select date '2026-13-01'
select '2026-3-1'::date
select '20260301'::date
select 'today'::date = current_date
select timestamp '2026-03-01'
select timestamp '2026-03-01T12:00:00'
select timestamp '2026-03-01 12:00:00.1234567'
select time '12:00'
select time '12:00' + interval '1 hour'
select time '23:00' + interval '2 hours'
select timestamp 'infinity'
select isfinite(date 'infinity')
select date '0044-03-15 BC'
select (date '2026-01-01', date '2026-02-01') overlaps (date '2026-01-15', date '2026-03-01')
select current_date = now()::date
select pg_typeof(1)
select pg_typeof(1.5)
select pg_typeof('a'::text)
select pg_typeof(now())
select pg_typeof(1::bigint)
select pg_typeof(array[1])
select count(*) from (values (1), (null)) t(a)
select count(a), sum(a), avg(a), min(a), max(a) from (values (1), (null), (2)) t(a)
select sum(a) from (values (1)) t(a) where false
select sum(a::bigint), sum(a::float8), sum(a::numeric) from (values (1), (2)) t(a)
select avg(a::bigint), avg(a::numeric) from (values (1), (2)) t(a)
select string_agg(a, ',' order by a desc) from (values ('a'), ('b')) t(a)
select string_agg(a, ',') from (values ('a'), (null), ('b')) t(a)
select array_agg(a order by a) from (values (2), (1), (null)) t(a)
select bool_and(a), bool_or(a), every(a) from (values (true), (false)) t(a)
select stddev(a), variance(a), stddev_pop(a) from (values (1), (2), (4)) t(a)
select percentile_cont(0.5) within group (order by a) from (values (1), (2), (4)) t(a)
select percentile_disc(0.5) within group (order by a) from (values (1), (2), (4)) t(a)
select mode() within group (order by a) from (values (1), (2), (2)) t(a)
select corr(a, b) from (values (1, 2), (2, 3)) t(a, b)
select count(*) filter (where a > 1) from (values (1), (2)) t(a)
select count(distinct a) from (values (1), (1), (2)) t(a)
select a from (values (2), (null), (1)) t(a) order by a
select a from (values (2), (null), (1)) t(a) order by a desc
select a from (values (2), (null), (1)) t(a) order by a nulls first
select a from (values ('b'), ('A'), ('a')) t(a) order by a
select a from (values (1), (2), (3)) t(a) order by a limit 1 offset 1
select a from (values (1), (2), (3)) t(a) order by a fetch first 2 rows only
select a from (values (1), (2), (3)) t(a) order by a offset 1 rows fetch next 1 row only
select a from (values (1), (1), (2)) t(a) order by a fetch first 1 row with ties
select a from (values (1), (2)) t(a) order by a limit null
select a from (values (1), (2)) t(a) order by a limit all
select distinct on (a) a, b from (values (1, 2), (1, 1)) t(a, b) order by a, b
select a, sum(b) from (values (1, 2), (1, 3)) t(a, b) group by a having sum(b) > 1
select a, b, sum(c) from (values (1, 2, 3)) t(a, b, c) group by rollup (a, b) order by 1 nulls last, 2 nulls last
select grouping(a) from (values (1)) t(a) group by cube (a) order by 1
select a, row_number() over (order by a), lag(a) over (order by a) from (values (1), (2)) t(a)
select first_value(a) over (order by a), sum(a) over (order by a rows between 1 preceding and current row) from (values (1), (2)) t(a)
select ntile(2) over (order by a), percent_rank() over (order by a) from (values (1), (2)) t(a)
with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n from r
select * from (values (1, 'a')) t(x, y) natural join (values (1, 'b')) u(x, z)
select * from (values (1)) t(a) cross join lateral (select a + 1 as b) l
select 1 union select 1 union all select 2 order by 1
select 1 intersect select 1
select 1 except select 2
select 'a' union select 'b' order by 1
select case when 1 = 1 then 'a' else 'b' end
select case 1 when 1 then 'x' end
select exists (select 1)
select (select 1)
select (select a from (values (1), (2)) t(a))
select 1 as "A b"
select cast('1' as int)
select '1'::int::text
select 1::int8
select 'a'::regclass
select 'pg_class'::regclass
select 1259::regclass
select 'int4'::regtype
select 'integer'::regtype::oid
select format_type(1043, 14)
select to_regclass('nope')
select 'a' collate "C" < 'b'
select pg_catalog.lower('A')
select 1 operator(pg_catalog.+) 2
select 'abc' operator(pg_catalog.~) 'b'
select current_user is not null
select current_schema()
select current_database() is not null
select version() like 'PostgreSQL 15.%'
select pg_get_userbyid(10)
select has_table_privilege('pg_class', 'select')
select has_table_privilege('nope', 'select')
select has_schema_privilege('public', 'create')
select obj_description(1259, 'pg_class') is null
select col_description(1259, 1)
select json_build_object('a', 1)
select '{"a": 1}'::json ->> 'a'
select '{"a": {"b": 2}}'::json -> 'a'
select '{"a": [1, 2]}'::json #>> '{a,1}'
select '{"a": 1}'::jsonb
select '{"a": 1, "b": 2}'::jsonb ? 'a'
select '{"a": 1}'::jsonb @> '{"a": 1}'
select json_array_length('[1, 2]'::json)
select json_agg(a) from (values (1), (2)) t(a)
select row_to_json(t) from (values (1, 'a')) t(a, b)
select to_json(array[1, 2])
select jsonb_typeof('1'::jsonb)
select 1 & 3, 1 | 2, 5 # 1, ~1, 1 << 2, 8 >> 1
select |/ 25.0
select @ -5
select 5 !
select not true
select true and null
select true <> false
select null::int
select 'a' is null
select 1 between 0 and 2
select 1 between symmetric 2 and 0
select 'abc' like null
select 1 <> 2
select 1 != 2
select is_nan from (select 'nan'::float8 = 'nan'::float8 as is_nan) t
select 'nan'::float8 > 1e300
select 0.0 = -0.0
select -0.0::float8
select 1::numeric(10, 2)
select 1.005::numeric(10, 2)
select 123456::numeric(4, 2)
select 12345678901234567890
select 0.1::float8 + 0.2::float8
select 1.0::float4 / 3
select '1 day'::interval = '24 hours'::interval
select interval '1 month' > interval '29 days'
select 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid
select '\x00ff'::bytea
select 'a\134b'::bytea
select length('\x00ff'::bytea)
select bytea '\x61' || '\x62'::bytea
select tsvector 'a b'
select '192.168.0.1'::inet
select money '12.34'
select int4range(1, 5)
select xmlelement(name a)
select point '(1,2)'
select pg_sleep(0)
select txid_current() > 0
select nextval('x')
select lastval()
select x from (values (1)) t(a)
select nosuchfunction(1)
select 1 + 'a'
select 1 + '2'
select 'a' + 'b'
select * from nosuch
select a.b from (values (1)) t(c)
select a from (values (1)) t(a), (values (1)) u(a)
select sum(a), a from (values (1)) t(a)
select 1 from
selec 1
select max(sum(1))
select 'a'::nosuchtype
select abs('x')
select date '2026-01-01' + date '2026-01-01'
select upper(1)
select length(123)
select 1 limit 'a'
select -1 limit -1
select 'a_b' like 'a\_b', 'axb' like 'a\_b'
select 'A%b' ilike 'a\%B', 'ab' not like 'a\b'
select E'tab\there', E'\u00e9\101', e'it\'s'
select 12345.678901234::numeric
select round(1.005::numeric, 2)
select 2.5::float8::numeric
select array_agg(a order by a desc) from (values (1), (null), (2)) t(a)
select a, rank() over (order by a desc) from (values (1), (null), (2)) t(a) order by 2
select to_char(timestamp '2026-03-05 15:04:05.678', 'DD/MM/YY HH12:MI:SS.MS AM')
select to_char(date '2026-03-05', 'FMDD Mon YYYY'), to_char(date '2026-03-05', 'IYYY-"W"IW-ID')
select to_char(timestamp '2026-03-05 15:04', 'YYYY"Y"DDD')
select to_timestamp('2026-03-05 15:04', 'YYYY-MM-DD HH24:MI')
select json_typeof('{"a": 1}'::json), json_typeof('"x"'::json), json_typeof('1'::json), json_typeof('null'::json)
select initcap('hELLO wORLD-x'), initcap('ÉCOLE d''été')
select array_to_string(array_remove(array[1, 2, 1], 1), ',')
select 'x'::varchar(3), 'äöü'::varchar(2), 12345::varchar(3)
select 'abc'::char(2) || '|'
select 'a'::char(3)
select has_table_privilege('pg_class', 'select, insert'), has_table_privilege('pg_class', 'SELECT WITH GRANT OPTION')
select has_table_privilege(1259, 'select'), has_table_privilege(1::oid, 'select')
select current_setting('server_version_num')::int / 10000 > 14
select count(*) over (), sum(a) over (order by a) from (values (1), (2)) t(a)
select coalesce(sum(a), 0) from (values (1)) t(a) where false
select 'abc' || 1.5, 1.50 || ''
select 'x' is not distinct from 'x', not null is null
select (date '2026-03-01' - date '2026-01-01') * 2
select '2026-01-02'::date - interval '1 day'
select date '2026-01-31' + interval '1 month'
select timestamp '2026-01-01 10:00' > date '2026-01-01'
select 1 / 2.0 > 0.4, 7 % 2 = 1
select substr('hello', 2, 3), substring('hello', 2, 3), left('hello', 2)
select nullif('', ''), coalesce(nullif('', ''), 'x')
select sum(1.5), avg(2.5) from (values (1), (2)) t(a)
select min('b'), max('a') from (values (1)) t(a)
select bool_and(true), bool_or(false)
select 1::smallint + 1::bigint
select cast(3.7 as int), cast(-3.7 as bigint), cast(3.2 as numeric(4, 0))
select '  x '::text = '  x ', length('  x ')
select 'a' between 'a' and 'b'
select a.x, b.y from (values (1, 'p')) a(k, x) left join (values (2, 'q')) b(k, y) on a.k = b.k
select * from (values (1), (2)) t(a) where a in (select 2)
select a from (values (1), (2), (3)) t(a) where a > any (array[1, 2])
select string_agg(distinct a, ',' order by a) from (values ('b'), ('a'), ('b')) t(a)
select unnest(array[1, 2]) as u, 'x' as c
select array[1, null]::int[], array['a', 'b c', 'null', null]
select interval '1 day' + interval '25 hours', interval '1.5 hours'
select date_trunc('day', interval '36 hours')
select extract(epoch from (timestamp '2026-01-02' - timestamp '2026-01-01'))::int
select floor(5.7)::int, ceil(5.2)::int, round(5.5)::int, trunc(5.9)::int
select 5 / 2::float8, 5::float8 / 2
select log(10.0), ln(1.0), exp(0.0)
select lpad('7', 3, '0'), rpad('a', 3) || '|', repeat('-', 3)
select * from unnest(array[1, 2], array['a', 'b', 'c']) t(x, y)
select * from unnest(array[1, 2], array['a', 'b', 'c']) with ordinality t(x, y, n)
select t.x, count(*) over () from unnest(array[1, 2], array['a']) as t(x, y) where y is null
select * from (values (1, array[1, 2]), (2, array[3])) v(k, l), unnest(l, array['a', 'b']) u(x, y) order by k, x, y
select k, x, n from (values (1, array[5, 6]), (2, array[7])) v(k, l) cross join lateral unnest(l) with ordinality u(x, n) order by k, n
select k, x from (values (1, array[5, 6]), (2, null::int[])) v(k, l) left join lateral unnest(l) u(x) on true order by k, x
select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) as t(n, w)
select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) with ordinality as t(n, w, o)
select generate_series, upper, ordinality from rows from (generate_series(1, 2), upper('x')) with ordinality
select * from rows from (generate_series(1, 2)) as t
select generate_series.* from rows from (generate_series(1, 2))
select * from rows from (unnest(array[1, 2], array[3]), generate_series(1, 3)) as t(a, b, c)
select k, a, b from (values (1), (2)) v(k), lateral rows from (generate_series(1, k), unnest(array['x'])) t(a, b) order by k, a
select * from upper('x') with ordinality
select * from generate_subscripts(array[7, 8], 1) with ordinality t(a, b)
select * from generate_series(5, 1, -2) with ordinality
select * from generate_series(timestamp '2026-01-01', timestamp '2026-01-02', interval '12 hours') with ordinality as t(t, n)
select ordinality, x from unnest(array['b', 'a']) with ordinality as t(x) order by ordinality desc
select * from rows from (nosuch(1))
select * from rows from (1 + 1)
select count(*) from only pg_class where relname = 'pg_type'
select count(*) from only (pg_class) c join only pg_namespace n on n.oid = c.relnamespace where relname = 'pg_type'
select count(*) from pg_catalog.pg_namespace n, only pg_catalog.pg_class c where n.oid = c.relnamespace and relname = 'pg_type'
select a as only from (values (1)) t(a) fetch first 1 row only
select * from only nosuch
select * from only (select 1)
select rows from (select 1 as rows) t
select 1, rows from (values (1)) t(rows)
select p.*, 1 as one from unnest(array['x', 'y']) with ordinality as p(a, n)
select g.* from generate_series(1, 2) with ordinality as g(a, n)

-- asked by a stranger
select a from (values (1), (3)) t(a) where a <> all(array[1, null]::int[])
select a from (values (1), (3)) t(a) where not a = any(array[1, null]::int[])
select a from (values (1), (3)) t(a) where a = any(array[1, null]::int[]) is null
select a from (values (1), (3)) t(a) where a = any('{1,NULL}'::int[])
select x from (values (1, array[1, null]), (3, array[3])) t(x, y) where not x = any(y)
select 1 = any(array[]::int[])
select null::int = any(array[]::int[])
select 5 = any(null::int[])
select json_agg(a order by a desc)::text from (values (1), (3)) t(a)
select json_agg(distinct a)::text from (values (1), (1)) t(a)
select json_agg(a) filter (where a > 1)::text from (values (1), (3)) t(a)
select json_agg(a)::text from (values (1)) t(a) where a > 5
select column1 from (values (1)) t
select column2, column1 from (values (1, 'a'), (2, 'b')) t order by 2
values (1, 'x')
select * from (values (1, 2)) as v
select date_trunc('century', timestamp '2026-01-01')
select date_trunc('century', timestamp '2000-06-01'), date_trunc('millennium', timestamp '2000-06-01'), date_trunc('millennium', timestamp '2001-06-01')
select to_hex(255), to_hex(-1), to_hex(255::bigint)
select extract(year from date '0044-03-15 BC')
select array(select generate_series(1, 3))
select array(select 1)
select array[1, 2]::text
select '\x00ff'::bytea::text
select interval '-1 mon'::text
select date '0044-03-15 BC'::text
select '{"a":1}'::jsonb = '{"a": 1}'::jsonb
select regexp_replace(E'a\nb', 'a.b', 'x')
select 'é' ~ '^\w$'
select format('%5s|%-5s|%%|%2$s', 'a', 'b')
select string_agg(a, null) from (values ('a'), ('b')) t(a)
select 1e15 + 0.5
select 1.1::real = 1.1
select 100::numeric::text
select coalesce(1, 2.5)
select json_build_object('b', 1.50)
select string_to_array('abc', null)
select split_part('a,b', '', 1)
select substr('hello', 2, -1)
select 0x1F
select t is null from (values (null::int, null::int)) t(a, b)
select row(x, 1) is not null from (values (null::int)) t(x)
select '{"a": 12345678901234567890.12}'::json ->> 'a'
select '{"a": 0.10}'::json ->> 'a'
select sum(a) from (values (interval '1 day'), (interval '2 days')) t(a)
select 'abc' like any(array['a%', 'b%'])
select generate_series(1, 3) * 2
select generate_series(1.0, 2.0, 0.5)
select time '10:00' - time '09:30'
select timestamptz '2026-01-01 00:00+00' at time zone interval '2 hours'
select lpad('a', 3, '')
select regexp_replace('a&b', '&', '\&')
select 'foobar' ~ 'foo(?=bar)'
select 'foo bar' ~ '\mbar\M'
select to_date('2026/01/05', 'YYYY-MM-DD')
select to_timestamp('2026-01-05', 'YYYY-MM-DD HH24:MI')
select '01/02/2026'::date
select 'Jan 5, 2026'::date
select '10:00+02'::timetz
select 99999.9::numeric(5,2)
select '99999999999'::int
select make_date(2026, 2, 30)
select 'a' ~ '('
select ntile(0) over () from (values (1)) t(a)
with a as (select 1), a as (select 2) select 1
select 1 from (values (1)) t(a), (values (1)) t(b)

-- asked by a stranger
select 1 = any(array(select 1))
select jsonb_agg(a order by a)::text from (values (3), (1)) t(a)
