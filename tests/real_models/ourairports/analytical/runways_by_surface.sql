select surface, count(*) as runways, sum(length_ft) as feet, max(length_ft) as longest, sum(heading) as headings,
       count(*) filter (where lighted and not closed) as lit
from canonical.runway group by surface
