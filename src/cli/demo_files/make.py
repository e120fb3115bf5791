#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the demo's data files: a small consultancy's exports, as messy as real ones and always the same.

Run it in this folder after a change; its output is in git, so that building needs no Python for it and a change of
data shows as one. Every blemish below is made on purpose: see BROKEN.
"""
import gzip
import os
import random
from datetime import date, timedelta

rng = random.Random(20260630)

CITIES = [('DK', 'København', 'DKK'), ('DK', 'Århus', 'DKK'), ('DK', 'Ærøskøbing', 'DKK'), ('SE', 'Malmö', 'SEK'), ('SE', 'Göteborg', 'SEK'),
          ('NO', 'Tromsø', 'NOK'), ('DE', 'Köln', 'EUR'), ('DE', 'Lübeck', 'EUR'), ('PL', 'Łódź', 'EUR'), ('FR', 'Besançon', 'EUR'),
          ('ES', 'Cáceres', 'EUR'), ('CZ', 'Plzeň', 'EUR')]
FIRST = ['Søren', 'Åse', 'Jürgen', 'Małgorzata', 'Zoë', 'Björn', 'Ingrid', 'Łukasz', 'Françoise', 'Ødegård', 'Çelik', 'Marie', 'Niels', 'Astrid',
         'Jiří', 'Núria', 'Lærke', 'Håkon', 'Siân', 'Emil', 'Frederikke', 'Mads', 'Karen', 'Ove']
LAST = ['Kjærgaard', 'Müller', 'Østergaard', 'Nowak', 'Lindström', 'Dvořák', 'Peña', "O'Brien", 'Bæk', 'Håkansson', 'Weiß', 'Sørensen', 'Lefèvre',
        'Jørgensen', 'Szabó', 'van der Berg', 'Højgaard', 'Novák', 'Åkesson', 'Thomsen']
WORD = ['Nordlys', 'Fjord', 'Grøn', 'Blåbær', 'Hansa', 'Vestas', 'Solvind', 'Kløver', 'Brücke', 'Élan', 'Ørsted', 'Müllerei', 'Havn', 'Łan', 'Skov',
        'Tårn', 'Bølge', 'Nordic', 'Rhein', 'Sjælland']
TRADE = ['Energi', 'Logistik', 'Bryggeri', 'Maskinfabrik', 'Rederi', 'Møbler', 'Pharma', 'Versicherung', 'Papir', 'Handel']
FORM = {'DK': 'A/S', 'SE': 'AB', 'NO': 'AS', 'DE': 'GmbH', 'PL': 'sp. z o.o.', 'FR': 'S.A.', 'ES': 'S.L.', 'CZ': 's.r.o.'}


def european(number, digits=2):
    """1234.5 -> 1.234,50"""
    return f'{number:,.{digits}f}'.replace(',', ' ').replace('.', ',').replace(' ', '.')


def slashed(day):
    return f'{day:%d/%m/%Y}'


def write(path, lines, bom=False, end='\n'):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = (('\ufeff' if bom else '') + end.join(lines) + end).encode()
    if path.endswith('.gz'):
        with open(path, 'wb') as out, gzip.GzipFile('', 'wb', 9, out, mtime=0) as packed:
            packed.write(data)
        return
    with open(path, 'wb') as out:
        out.write(data)


# ---- crm ----
clients = []
used = set()
while len(clients) < 48:
    country, city, currency = rng.choice(CITIES)
    name = f'{rng.choice(WORD)} {rng.choice(TRADE)} {FORM[country]}'
    if name in used:
        continue
    used.add(name)
    since = date(2012, 1, 1) + timedelta(days=rng.randrange(5000))
    clients.append(dict(no=f'K{1001 + len(clients)}', name=name, country=country, city=city, currency=currency, since=since,
                        segment=rng.choice(['public', 'industry', 'industry', 'finance', 'energy']), limit=rng.randrange(10, 200) * 5000))

lines = ['client_no;name;country;city;currency;segment;since;credit_limit']
for n, c in enumerate(clients):
    since = slashed(c['since']) if n % 5 else c['since'].isoformat()       # two formats in one file
    name = f'"{c["name"]}"' if ';' in c['name'] or n % 9 == 0 else c['name']
    lines.append(';'.join([c['no'], name, c['country'], c['city'], c['currency'], c['segment'], since, european(c['limit'])]))
lines.append(f'Total;{len(clients)} clients;;;;;;{european(sum(c["limit"] for c in clients))}')
write('ingress/crm/clients_2026-06-30.csv', lines, bom=True, end='\r\n')

lines = ['contact_no,client_no,name,email,phone,wants_news']
for n in range(96):
    first, last = rng.choice(FIRST), rng.choice(LAST)
    c = clients[n % len(clients)]
    mail = f'{first}.{last}'.lower().translate(str.maketrans('øåæöäüéèçñžřżłßúóíâá', 'oaaoaueecnzrzlsuoiaa')).replace(' ', '').replace("'", '')
    phone = rng.choice(['', f'+45 {rng.randrange(20, 99)} {rng.randrange(10, 99)} {rng.randrange(10, 99)} {rng.randrange(10, 99)}', 'n/a'])
    lines.append(f'{5001 + n},{c["no"]},"{last}, {first}",{mail}@example.{c["country"].lower()},{phone},{rng.choice(["yes", "no", "yes"])}')
lines[41] = lines[41].replace('"', '', 1)                                   # BROKEN: a comma that lost its quotes: seven fields
lines[77] = '5077,K1029,"Bæk "Bo" Ove",bo.baek@example.dk,,yes'             # BROKEN: quotes inside a quoted field
write('ingress/crm/contacts.csv', lines)

# ---- delivery ----
people = []
for n in range(24):
    level = rng.choice(['junior', 'consultant', 'consultant', 'senior', 'partner'])
    cost = {'junior': 310, 'consultant': 420, 'senior': 560, 'partner': 890}[level] + rng.randrange(0, 40)
    people.append(dict(no=f'M{n + 1:03}', name=f'{FIRST[n]} {LAST[(n * 7) % len(LAST)]}', level=level, cost=cost, office=rng.choice(['København', 'Århus', 'Malmö', 'Köln']),
                       hired=date(2015, 1, 1) + timedelta(days=rng.randrange(4000))))
lines = ['Medarbejdernr;Navn;Niveau;Kontor;Timekost;Ansat']
lines += [';'.join([p['no'], p['name'], p['level'], p['office'], european(p['cost']), slashed(p['hired'])]) for p in people]
write('ingress/delivery/medarbejdere.csv', lines)

TITLES = ['ERP rollout', 'Datavarehus', 'Kundeportal', 'Migration til sky', 'Lager og logistik', 'IT-strategi', 'Sicherheitsaudit', 'Årsrapport', 'Onboarding', 'Prisanalyse']
projects = []
for n in range(36):
    c = clients[(n * 5) % 22]
    start = date(2025, 10, 1) + timedelta(days=rng.randrange(220))
    projects.append(dict(no=f'P-{2600 + n}', client=c, title=rng.choice(TITLES), start=start, end=start + timedelta(days=rng.randrange(90, 400)),
                         budget=rng.randrange(20, 300) * 10000, rate=rng.choice([950, 1050, 1150, 1250, 1400])))
lines = ['project_no\tclient_no\ttitle\tstarts\tends\tbudget\thourly_rate']
for n, p in enumerate(projects):
    ends = p['end'].isoformat() if n % 6 else ''
    lines.append('\t'.join([p['no'], p['client']['no'], p['title'], p['start'].isoformat(), ends, f'{p["budget"]}.00', f'{p["rate"]}.00']))
lines.insert(20, 'P-2599\tK1003\tPrisanalyse\t2026-02-01')                     # BROKEN: the line was cut off
write('ingress/delivery/projects.tsv', lines)

NOTES = ['', '', '', 'Workshop', 'møde hos kunden', 'Rejsetid', '"Fejl; rettet igen"', 'Analyse', 'Übergabe', 'review', 'test & deploy']


def timesheets(month, dated, broken):
    """One month: an entry for each person and working day, now and then two or none."""
    first = date(2026, month, 1)
    rows, total = [], 0.0
    for day in range(31):
        when = first + timedelta(days=day)
        if when.month != month or when.weekday() > 4:
            continue
        for p in people:
            if rng.random() < 0.12:
                continue
            project = rng.choice([projects[(int(p['no'][1:]) * k) % len(projects)] for k in (1, 2, 5)])
            hours = rng.choice([7.5, 7.5, 7.4, 8.0, 6.25, 4.0, 3.5])
            billable = 'n' if rng.random() < 0.2 else 'j'
            total += hours
            rows.append([dated(when), p['no'], project['no'], european(hours), billable, rng.choice(NOTES)])
    lines = [';'.join(r) for r in rows]
    for at, line in broken.items():
        lines[at] = line(rows[at])
    head = [f'# Timeregistrering, eksport {first:%Y-%m}', 'dato;medarbejder;projekt;timer;fakturerbar;note']
    return head + lines + [f'Sum;;;{european(total)};;{len(lines)} linjer']


def wide(row):
    return ';'.join(row) + ';godkendt'                                      # BROKEN: a field too many


def point(row):
    return ';'.join(row[:3] + ['7.5'] + row[4:])                            # BROKEN: a decimal point where commas are used


def keyed(row):
    return ';'.join(row[:3] + ['1.125,00'] + row[4:])                       # BROKEN: more hours than the type holds


def impossible(row):
    return ';'.join(['31/06/2026'] + row[1:])                               # BROKEN: no such day


def quoted(row):
    return ';'.join(row[:5] + ['"Workshop hos "Grøn Energi"'])             # BROKEN: quotes inside a quoted field


def nobody(row):
    return ';'.join([row[0], '', *row[2:]])                                 # BROKEN: the required column is empty


write('ingress/delivery/timesheets_2026-04.csv.gz', timesheets(4, slashed, {}))
write('ingress/delivery/timesheets_2026-05.csv', timesheets(5, date.isoformat, {57: wide, 211: point, 340: keyed}))
june = timesheets(6, slashed, {12: impossible, 88: quoted, 305: nobody})
write('ingress/delivery/timesheets_2026-06.csv', june)
write('ingress/delivery/timesheets_2026-06_kopi.csv', june)                # the same bytes under another name
write('later/delivery/timesheets_2026-07.csv', timesheets(7, slashed, {19: point}))


# ---- finance ----
def invoices(months, number, broken=None, footer=True):
    lines = ['invoice_no;client_no;project_no;invoice_date;due_date;currency;amount;vat;text']
    total = 0.0
    for month in months:
        for p in projects:
            if p['start'] > date(2026, month, 28) or rng.random() < 0.15:
                continue
            when = date(2026, month, 28)
            amount = round(rng.randrange(12, 160) * p['rate'] * rng.choice([1, 1, 0.9]) + rng.choice([0, 0.5, 0.25]), 2)
            vat = round(amount * 0.25, 2) if p['client']['country'] == 'DK' else 0
            total += amount
            day = (lambda d: slashed(d)) if month % 2 else date.isoformat   # who wrote them changed every month
            lines.append(';'.join([f'F{number}', p['client']['no'], p['no'], day(when), day(when + timedelta(days=30)), p['client']['currency'],
                                   european(amount), european(vat), f'{p["title"]}, {when:%m/%Y}']))
            number += 1
    for at, change in (broken or {}).items():
        lines[at] = change(lines[at].split(';'))
    if footer:
        lines.append(f'I alt;;;;;;{european(total)};;{len(lines) - 1} fakturaer')
    return lines, number


def huge(fields):
    return ';'.join(fields[:6] + ['12.345.678.901,50'] + fields[7:])        # BROKEN: does not fit decimal(12,2)


def precise(fields):
    return ';'.join(fields[:6] + ['1.234,567'] + fields[7:])                # BROKEN: a digit more than is kept: never rounded


half, number = invoices(range(1, 7), 26001, {31: huge, 90: precise})
write('ingress/finance/invoices_2026-H1.csv', half)
july, _ = invoices([7], number)
write('later/finance/invoices_2026-07.csv', july)
# The same name as before with one amount changed: nobody said that this is allowed, so it is held.
changed = list(half)
changed[5] = ';'.join(changed[5].split(';')[:6] + ['1,00'] + changed[5].split(';')[7:])
write('later/finance/invoices_2026-H1.csv', changed)

lines = ['Nordbank,account statement,,', 'account,DK12 0040 0440 1162 43,,', '', 'booked_on,invoice_no,amount,payer']
for n, line in enumerate(half[1:-1]):
    fields = line.split(';')
    if rng.random() < 0.18 or not fields[6].replace('.', '').replace(',', '').isdigit() or len(fields[6]) > 12:
        continue
    amount = float(fields[6].replace('.', '').replace(',', '.')) + float(fields[7].replace('.', '').replace(',', '.'))
    when = date(2026, 2, 5) + timedelta(days=n * 1 + rng.randrange(9))
    payer = next(c['name'] for c in clients if c['no'] == fields[1])
    lines.append(f'{when.isoformat()},{fields[0]},{amount:.2f},"{payer}"')
lines[60] = '2026-03-30,F26040,(12.00),"charge back"'
write('ingress/finance/payments.csv', lines)                                # BROKEN above: an accountant's minus

lines = ['month,currency,dkk']
for month in range(1, 8):
    for currency, rate in (('EUR', 7.46), ('SEK', 0.655), ('NOK', 0.642)):
        lines.append(f'2026-{month:02}-01,{currency},{rate + rng.randrange(-9, 9) / 1000:.4f}')
    lines.append(f'2026-{month:02}-01,DKK,1.0000')
write('ingress/finance/fx_rates.csv', lines)

write('ingress/finance/budget_2026_FINAL_v2.csv', ['Budget 2026;;', 'konto;beløb;hvem?', '1010 Løn;2,4 mio.;Åse', '1020 Husleje;ca. 310.000;', '1030 Kaffe;for meget;alle'])
