-- about: Billable hours as a share of all hours, per person and month.
select
    cast(date_trunc('month', t.worked_on) as date)        as month,
    t.consultant_no,
    c.name,
    c.office,
    sum(t.hours)                                          as hours,
    sum(case when t.billable then t.hours else 0 end)     as billable_hours,
    round(100 * sum(case when t.billable then t.hours else 0 end) / sum(t.hours), 1) as percent
from canonical.timesheet_entry as t
join canonical.consultant as c on c.consultant_no = t.consultant_no
group by all
