-- about: Invoices that are not fully paid.
-- kind: view
with paid as (
    select invoice_no, sum(amount) as paid
    from canonical.payment
    group by invoice_no
)
select
    i.invoice_no,
    i.client_no,
    i.due_date,
    i.currency,
    i.amount + i.vat                            as total,
    coalesce(p.paid, 0)                         as paid,
    i.amount + i.vat - coalesce(p.paid, 0)      as open_amount
from canonical.invoice as i
left join paid as p on p.invoice_no = i.invoice_no
where i.amount + i.vat > coalesce(p.paid, 0)
