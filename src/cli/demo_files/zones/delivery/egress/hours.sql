-- about: Hours and what they cost us, per project and month, for invoicing.
-- version: 1
-- fresh: 24h
-- listed: yes
select
    cast(date_trunc('month', t.worked_on) as date)  as month,
    t.project_no,
    p.client_no,
    sum(t.hours)                                    as hours,
    sum(t.hours * c.hourly_cost)                    as cost,
    sum(case when t.billable then t.hours * p.hourly_rate else 0 end) as billable_value
from canonical.timesheet_entry as t
join canonical.project as p on p.project_no = t.project_no
join canonical.consultant as c on c.consultant_no = t.consultant_no
group by 1, 2, 3
