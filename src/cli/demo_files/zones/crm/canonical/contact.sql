-- about: One row per person, with the client's name.
-- term: contact
-- kind: view
-- column email: text, tag pii
select
    p.contact_no,
    p.client_no,
    c.name      as client,
    p.name,
    p.email,
    p.phone,
    p.wants_news
from staging.contacts as p
left join canonical.client as c on c.client_no = p.client_no
