-- about: How many clients we have in each country, and how many of their people want news.
with reader as (
    select client_no, count(*) as readers
    from canonical.contact
    where wants_news
    group by client_no
)
select
    c.country,
    count(*)                                     as clients,
    cast(coalesce(sum(r.readers), 0) as bigint)  as readers,
    sum(c.credit_limit)                          as credit_limit
from canonical.client as c
left join reader as r on r.client_no = c.client_no
group by c.country
