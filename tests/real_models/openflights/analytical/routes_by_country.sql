select from_country as country, count(*) as routes, count(distinct to_country) as countries,
       sum(case when from_country = to_country then 1 else 0 end) as domestic
from canonical.route group by 1
