-- key: runway_id
select id as runway_id, airport_ident, length_ft, width_ft, upper(surface) as surface, lighted = 1 as lighted,
       closed = 1 as closed, "le_heading_degT" as heading, _file, _row
from staging.runways
