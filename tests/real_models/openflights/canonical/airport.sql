-- about: One row per place that flights use.
-- key: airport_id
select column_1 as airport_id, column_2 as name, column_3 as city, column_4 as country, column_5 as iata,
       column_6 as icao, column_7 as latitude, column_8 as longitude, column_9 as elevation_ft, _file, _row
from staging.airports
