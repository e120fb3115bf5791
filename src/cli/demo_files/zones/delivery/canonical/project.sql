-- about: One row per project, with the client's name from zone crm.
-- key: project_no
select
    p.project_no,
    p.client_no,
    c.name      as client,
    p.title,
    p.starts,
    p.ends,
    p.budget,
    p.hourly_rate
from staging.projects as p
left join crm.egress.client as c on c.client_no = p.client_no
