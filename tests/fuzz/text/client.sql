-- about: One row per client of the newest export.
-- term: client
-- key: client_no
-- column client_no: text required unique
-- check limit_positive: credit_limit > 0, else warn
select
    client_no,
    name,
    country,
    city,
    currency,
    segment,
    since       as client_since,
    credit_limit
from staging.clients
