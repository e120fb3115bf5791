-- about: What other zones may know of a client.
-- version: 1
-- fresh: 24h
-- listed: yes
select client_no, name, country, segment
from canonical.client
