-- about: One row per airline and pair of airports; an airport that is not known stays NULL.
select column_1 as airline, r.column_3 as from_code, r.column_5 as to_code, column_8 as stops,
       d.airport_id as from_airport, a.airport_id as to_airport, d.country as from_country, a.country as to_country
from staging.routes as r
left join canonical.airport as d on d.airport_id = r.column_4
left join canonical.airport as a on a.airport_id = r.column_6
