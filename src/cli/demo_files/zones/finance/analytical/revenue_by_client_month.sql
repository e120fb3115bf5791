-- about: What we invoiced, per client and month, in DKK.
select
    c.name                                              as client,
    c.country,
    cast(date_trunc('month', i.invoice_date) as date)   as month,
    count(*)                                            as invoices,
    sum(i.amount_dkk)                                   as revenue_dkk
from canonical.invoice as i
left join crm.egress.client as c on c.client_no = i.client_no
group by 1, 2, 3
