-- about: What a project's hours cost us and what they are worth, per month, from zone delivery.
select
    h.month,
    h.project_no,
    c.name                      as client,
    h.hours,
    h.cost,
    h.billable_value,
    h.billable_value - h.cost   as margin
from delivery.egress.hours as h
left join crm.egress.client as c on c.client_no = h.client_no
