-- about: One row per registered piece of work.
-- check hours_of_a_day: hours between 0 and 24, else warn
select
    worked_on,
    consultant_no,
    project_no,
    hours,
    coalesce(billable, false) as billable,
    note
from staging.timesheets
