-- about: One row per payment that names an invoice.
select booked_on, invoice_no, amount, payer
from staging.payments
