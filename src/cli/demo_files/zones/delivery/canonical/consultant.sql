-- about: One row per person who can be put on a project.
-- key: consultant_no
select consultant_no, name, level, office, hourly_cost, hired_on
from staging.consultants
