-- SPDX-License-Identifier: Apache-2.0
-- Statements with parameters that nobody gave a type: tests/test_parameters.py asks PostgreSQL what they are.
select $1
select $1, $2
select repeat($1, 3)
select $1 union select 1
select 1 union select $1
select $1 union all select 'a'
select $1::numeric
select $1 + 1
select $1 + $2::int
select $1::int + $2
select $1 - $2
select 1.5 * $1
select $1 * 2.0
select 10 / $1
select $1 % 3
select now() - $1
select now() + $1
select now() - $1::interval
select current_date - $1
select current_date + $1
select date '2020-01-01' - $1
select timestamp '2020-01-01' - $1
select round($1, 2)
select round($1)
select abs($1)
select coalesce($1, 0)
select coalesce(0, $1)
select coalesce($1, 'x')
select coalesce($1, $2)
select coalesce($1, now())
select nullif($1, 1)
select nullif($1, 'a')
select greatest($1, 2)
select least($1, 2.5)
select * from (values (1), (2)) t(x) where x in ($1, $2)
select * from (values (1), (2)) t(x) where x = $1
select * from (values (1), (2)) t(x) where $1 < x
select * from (values ('a'), ('b')) t(x) where x = $1
select * from (values ('a'), ('b')) t(x) where x like $1
select * from (values (1), (2)) t(x) where x between $1 and $2
select * from (values (1), (2)) t(x) where x = any($1)
select * from (values ('a'), ('b')) t(x) where x = any($1)
select * from (values (1), (2)) t(x) where not x = all($1)
select * from (values (1), (2)) t(x) limit $1
select * from (values (1), (2)) t(x) offset $1
select * from (values (1), (2)) t(x) limit $1 offset $2
select case when true then $1 else 2 end
select case when $1 then 1 else 2 end
select case $1 when 1 then 'a' else 'b' end
select case 1 when $1 then 'a' else $2 end
select case when true then $1 else 'x' end
select $1 || 'a'
select 'a' || $1
select $1 || $2
select $1 || 1
select upper($1)
select length($1)
select lower($1) like $2
select substring($1 from 2 for 3)
select substring('abc', $1)
select substr('abc', $1, $2)
select replace($1, 'a', 'b')
select left($1, 2)
select left('abc', $1)
select lpad($1, 5, '0')
select split_part($1, ',', 1)
select strpos($1, 'a')
select position($1 in 'abc')
select trim($1)
select concat($1, 'a')
select concat_ws(',', $1, $2)
select date_trunc('month', $1)
select date_trunc($1, now())
select extract(year from $1)
select to_char($1, 'YYYY')
select to_date($1, 'YYYY-MM-DD')
select to_timestamp($1)
select $1 is null
select $1 is not null
select not $1
select $1 and true
select $1 or false
select $1 = 1
select $1 = 'a'
select $1 = $2
select $1 < now()
select $1 > 1.5
select $1 <> true
select $1 in (1, 2)
select $1 in ('a', 'b')
select 1 in ($1, 2)
select $1 like 'a%'
select $1 ~ 'a'
select $1 between 1 and 2
select sum(x) + $1 from (values (1), (2)) t(x)
select count(*) > $1 from (values (1), (2)) t(x)
select x + $1 from (values (1::bigint), (2)) t(x)
select x - $1 from (values (1.5), (2)) t(x)
select x || $1 from (values ('a'), ('b')) t(x)
select * from (values (1), ($1)) t(x)
values ($1), (1)
values ($1, $2)
select array[$1, 2]
select array[$1, $2]::int[]
select $1::int[]
select $1::text
select $1::date - 1
select $1::int = $1
select -$1
select @ $1
select sqrt($1)
select power($1, 2)
select mod($1, 3)
select floor($1)
select ceil($1)
select exp($1)
select ln($1)
select sign($1)
select trunc($1)
select trunc($1, 2)
select min($1)
select max(x) filter (where x > $1) from (values (1), (2)) t(x)
select sum($1)
select avg($1)
select count($1)
select string_agg(x, $1) from (values ('a'), ('b')) t(x)
select row_number() over (order by $1)
select lag(x, $1) over () from (values (1), (2)) t(x)
select generate_series(1, $1)
select * from generate_series($1, 3) g(i)
select * from generate_series(1, 10, $1) g(i)
select x from (values (1), (2)) t(x) where x = (select $1)
select x from (values (1), (2)) t(x) where exists (select 1 where x = $1)
select x from (values (1), (2)) t(x) where x in (select $1)
select (select $1) + 1
with c as (select $1 as a) select a from c
select * from (select $1 as a) s where a = 1
select x from (values (1), (2)) t(x) where x + 1 = $1
select x from (values (1), (2)) t(x) where x = $1 + 1
select x from (values (1), (2)) t(x) where x = $1 or $1 is null
select x from (values (1), (2)) t(x) where ($1 is null or x = $1)
select x from (values ('a'), ('b')) t(x) where lower(x) = lower($1)
select x from (values (date '2020-01-01')) t(x) where x >= $1
select x from (values (date '2020-01-01')) t(x) where x > $1 - interval '1 day'
select x from (values (timestamp '2020-01-01')) t(x) where x between $1 and $2
select x from (values (now())) t(x) where x > $1
select x from (values (1), (2)) t(x) group by x having count(*) > $1
select x from (values (1), (2)) t(x) order by x limit $1::int
select $1::int4, $1
select $1, $1::int4
select a.x from (values (1)) a(x) join (values (1)) b(y) on a.x = b.y and b.y > $1
select interval '1 day' * $1
select $1 * interval '1 day'
select make_date($1, $2, $3)
select age($1)
select md5($1)
select chr($1)
select ascii($1)
select to_char(now(), $1)
select format('%s', $1)
select pg_typeof($1)
select quote_ident($1)
select current_setting($1)
select bool_and($1)
select $1 is true
select $1 is distinct from 1
select cast($1 as double precision)
select cast($1 as varchar(3))
select $1::timestamptz
select $1::timestamp::date
select $1::uuid
select $1::boolean
select $1::bytea
select $1::json
select 1 where $1
select x + $1 + $2 from (values (1), (2)) t(x)
select $1 + x + $2 from (values (1), (2)) t(x)
select x + $1 + $2 + $3 + $4 from (values (1), (2)) t(x)
select x from (values (timestamp '2020-01-01')) t(x) where x + $1 + $2 > now()
select coalesce(x, $1) + $2 from (values (1), (2)) t(x)
select nullif(x, $1) + $2 from (values (1), (2)) t(x)
select * from (select x + $1 as y from (values (1), (2)) t(x)) s where y > $2
with c as (select x + $1 as a from (values (1)) t(x)) select a + $2 from c
select x * $1 as y from (values (1), (1)) t(x) group by y
select x from (values (1), (2)) t(x) where (x, x) = ($1, $2)
select x from (values (1), (2)) t(x) where ($1, $2) < (x, 'a')
select x from (values (1), (2)) t(x) where (x, 'a') not in (($1, $2), (7, $3))
select x, 'q' as y from (values (1)) t(x) where x = $2 union select 2, $1
select extract(year from $1::date)::int
select date_part('month', $1::timestamp + interval '1 day')::int
select round(x, $1) from (values (1.25), (2.75)) t(x)
select round(x, $1::int) from (values (1.25), (2.75)) t(x)
select x - $1 - $2 - $3 from (values (1), (2)) t(x)
select x - $1 * $2 + $3 from (values (1), (2)) t(x)
select x - $1 - $2 from (values (timestamp '2020-01-01')) t(x)
select x - $1 + $2 from (values (timestamp '2020-01-01')) t(x)
select * from (values (1), (2), (3)) t(x) where x > any($1)
select * from (values (1), (2), (3)) t(x) where x >= all($1)
select * from (values (1), (2), (3)) t(x) where x <> all($1)
select * from (values (1), (2), (3)) t(x) where x = all($1)
select * from (values ('a'), ('b')) t(x) where x < some($1)
select * from (values ('a'), ('b')) t(x) where x <> all($1)
select * from (values (1), (2)) t(x) where $1 <> all(array[x])
select * from (values (1), (2)) t(x) where x > all(array(select y from (values (0), ($1)) u(y)))
select * from generate_series(1, $1) g(i)
select * from generate_series(1::bigint, $1) g(i)
select * from generate_series($1::int, $2) g(i)
select * from generate_series(timestamp '2019-05-01', $1, $2) g(i)
select * from generate_series(timestamp '2019-05-01', $1, interval '1 day') g(i)
select * from generate_series($1, timestamptz '2019-05-07 00:00:00+00', '1 day') g(i)
select * from generate_series(date '2019-05-01', $1, interval '1 day') g(i)
select +$1
select + $1 + 1
select time '10:00' - $1
