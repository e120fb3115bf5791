-- about: One row per invoice, in its own currency and in DKK at the month's rate.
-- key: invoice_no
-- column amount: decimal(10,2), unit of the invoice's currency
select
    i.invoice_no,
    i.client_no,
    i.project_no,
    i.invoice_date,
    i.due_date,
    i.currency,
    i.amount,
    i.vat,
    cast(i.amount * fx.dkk as decimal(14,2)) as amount_dkk
from staging.invoices as i
left join staging.fx_rates as fx
    on fx.currency = i.currency and fx.month = cast(date_trunc('month', i.invoice_date) as date)
