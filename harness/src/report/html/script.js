'use strict';
// Draws the matrix and the cases from the JSON in the page. Foreign text becomes text nodes and nothing else:
// there is no innerHTML here, and there must be none.
(() => {
  const $ = (id) => document.getElementById(id);
  const read = (id) => JSON.parse($(id).textContent);
  const el = (name, attributes, ...children) => {
    const it = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === false || value === null || value === undefined) continue;
      if (key === 'on') for (const [event, act] of Object.entries(value)) it.addEventListener(event, act);
      else it.setAttribute(key, value === true ? '' : value);
    }
    it.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return it;
  };
  // A fixed text in both languages; the style shows one.
  const t = (en, de) => [el('span', { class: 'en', lang: 'en' }, en), el('span', { class: 'de', lang: 'de' }, de)];
  const german = () => document.documentElement.dataset.lang === 'de';

  const index = read('index');
  let table = null;
  const strings = (number) => (table ||= read('strings'))[number];
  const many = (numbers) => numbers.map(strings);
  const blocks = new Map();
  const block = (id) => { if (!blocks.has(id)) blocks.set(id, read(id)); return blocks.get(id); };

  const severities = ['critical', 'high', 'medium', 'low'];
  const words = {
    critical: 'kritisch', high: 'hoch', medium: 'mittel', low: 'gering', fault: 'Fehler', positive: 'Positivfall', survey: 'Umfrage',
    common: 'häufig', occasional: 'gelegentlich', rare: 'selten', attack: 'bei Angriffen',
  };
  const word = (en) => t(en, words[en] || en);
  const several = index.runs.length > 1;
  for (const row of index.cases) {
    row.group = row.id.split('#')[0].split('/').slice(0, -1).join('/') || row.id;
    const reasons = row.cells.map((cell) => (cell ? cell.verdict + ' ' + cell.reason : '')).join(' ');
    row.text = (row.id + ' ' + row.title + ' ' + row.more + ' ' + reasons).toLowerCase();
  }
  const numbers = new Map(index.cases.map((row, number) => [row.id, number]));
  const anyFailed = index.cases.some((row) => row.cells.some((cell) => cell && cell.class === 'failed'));

  // What is shown. It is all in the address, so that a link can be sent.
  const usual = { q: '', verdict: anyFailed ? 'failed' : 'all', severity: '', protocol: '', group: '', subject: '', differ: '', case: '', run: '', lang: '' };
  let state = { ...usual };
  const fromAddress = () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes('=')) return { ...state, case: '' };
    return { ...usual, ...Object.fromEntries([...new URLSearchParams(hash)].filter(([key]) => key in usual)) };
  };
  const address = (of) => {
    const parts = Object.entries(of).filter(([key, value]) => value !== usual[key]);
    return '#' + (parts.length ? new URLSearchParams(parts) : 'all=1');
  };
  const go = (change, replace) => {
    state = { ...state, ...change };
    history[replace ? 'replaceState' : 'pushState'](null, '', address(state));
    show();
  };

  // The matrix.
  let visible = [];
  let at = -1;
  const fits = (row) => {
    const cells = state.subject === '' ? row.cells : [row.cells[Number(state.subject)]];
    if (state.severity && row.severity !== state.severity) return false;
    if (state.protocol && !row.protocols.includes(state.protocol)) return false;
    if (state.group && row.group !== state.group) return false;
    if (state.verdict !== 'all' && !cells.some((cell) => cell && (cell.class === state.verdict || cell.verdict === state.verdict))) return false;
    if (state.differ && new Set(row.cells.map((cell) => (cell ? cell.verdict : ''))).size < 2) return false;
    return state.q.toLowerCase().split(/\s+/).every((part) => row.text.includes(part));
  };
  const chip = (cell) => (cell ? el('span', { class: 'chip ' + cell.class }, cell.verdict) : el('span', { class: 'chip' }, '—'));
  const line = (row, number, place) => el('tr', { class: 'row', role: 'row', 'data-place': place },
    el('th', { scope: 'row', role: 'rowheader' },
      el('span', { class: 'sev ' + row.severity, title: row.severity }, el('span', { class: 'visually-hidden' }, row.severity + ': ')),
      el('a', { href: address({ ...state, case: row.id, run: '' }) }, row.title),
      el('span', { class: 'id' }, row.id)),
    row.cells.map((cell, run) => el('td', { role: 'cell', 'data-subject': index.runs[run].short, title: cell ? cell.reason : '' }, chip(cell))));

  const fields = {};
  const select = (key, en, de, choices) => {
    const it = el('select', { id: 'filter-' + key, on: { change: () => go({ [key]: it.value }, true) } },
      choices.map(([value, text, label]) => el('option', { value, 'data-en': text, 'data-de': label || text }, text)));
    fields[key] = it;
    return el('label', {}, el('span', {}, t(en, de)), it);
  };
  const build = () => {
    const search = el('input', { id: 'search', type: 'search', autocomplete: 'off', spellcheck: 'false', placeholder: '/', on: { input: () => go({ q: search.value }, true) } });
    fields.q = search;
    const classes = [['failed', 'failed', 'versagt'], ['open', 'not decided', 'nicht entschieden'], ['harness', 'spoilt', 'verdorben'],
      ['expected', 'failed as expected', 'erwartet versagt'], ['not-run', 'not run', 'nicht gelaufen'], ['good', 'passed or recorded', 'bestanden oder vermerkt']];
    const there = new Set(index.cases.flatMap((row) => row.cells.filter(Boolean).flatMap((cell) => [cell.class, cell.verdict])));
    const verdicts = [...there].filter((it) => it === it.toUpperCase()).sort().map((it) => [it, it]);
    const groups = [...new Set(index.cases.map((row) => row.group))].sort().map((it) => [it, it]);
    const filters = el('form', { class: 'filters', role: 'search', on: { submit: (event) => event.preventDefault() } },
      el('label', {}, el('span', {}, t('Search: words, clauses, ids', 'Suche: Wörter, Klauseln, Kennungen')), search),
      select('verdict', 'Verdict', 'Urteil', [['all', 'all', 'alle'], ...classes.filter(([key]) => there.has(key)), ...verdicts]),
      several && select('subject', 'of', 'von', [['', 'any subject', 'irgendeinem'], ...index.runs.map((run, number) => [String(number), run.name + ' ' + run.version])]),
      select('severity', 'Severity', 'Schwere', [['', 'all', 'alle'], ...severities.map((it) => [it, it, words[it]])]),
      select('protocol', 'Protocol', 'Protokoll', [['', 'all', 'alle'], ['smtp', 'SMTP'], ['imap', 'IMAP']]),
      select('group', 'Group', 'Gruppe', [['', 'all', 'alle'], ...groups]));
    const differ = several && el('button', { type: 'button', id: 'differ', 'aria-pressed': 'false', on: { click: () => go({ differ: state.differ ? '' : '1' }, true) } },
      t('Only differences', 'Nur Unterschiede'));
    const tools = el('div', { class: 'tools' }, el('output', { id: 'count', for: 'search' }), differ,
      el('button', { type: 'button', id: 'reset', on: { click: () => go({ ...usual, lang: state.lang, verdict: 'all' }, true) } }, t('Show all', 'Alle zeigen')));
    const grid = el('table', { class: 'grid', role: 'table', 'aria-labelledby': 'matrix-title' },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, el('th', { scope: 'col', role: 'columnheader' }, t('Case', 'Fall')),
        index.runs.map((run) => el('th', { scope: 'col', role: 'columnheader', class: 'cell' }, run.name, several && el('br'), several && run.version !== run.name && el('small', {}, run.version))))),
      el('tbody', { id: 'rows', role: 'rowgroup' }));
    $('table').append(filters, tools, grid, el('p', { class: 'empty', id: 'nothing', hidden: true }, t('No case fits.', 'Kein Fall passt.')));
    $('rows').addEventListener('click', (event) => {
      const row = event.target.closest('tr.row');
      if (!row || event.target.closest('a') || String(getSelection())) return;
      open(Number(row.dataset.place));
    });
  };
  let drawn = '';
  const draw = () => {
    for (const [key, field] of Object.entries(fields)) if (field.value !== state[key] && document.activeElement !== field) field.value = state[key];
    for (const option of document.querySelectorAll('option[data-de]')) option.textContent = german() ? option.dataset.de : option.dataset.en;
    const key = JSON.stringify({ ...state, case: '', run: '' });
    if (key === drawn) return;
    drawn = key;
    at = -1;
    visible = [];
    const rows = [];
    let group = null;
    index.cases.forEach((row, number) => {
      if (!fits(row)) return;
      if (row.group !== group) {
        group = row.group;
        rows.push(el('tr', { class: 'group', role: 'row' }, el('th', { colspan: index.runs.length + 1, scope: 'rowgroup', role: 'rowheader' }, group)));
      }
      rows.push(line(row, number, visible.length));
      visible.push(number);
    });
    $('rows').replaceChildren(...rows);
    $('count').replaceChildren(...t(visible.length + ' of ' + index.cases.length + ' cases', visible.length + ' von ' + index.cases.length + ' Fällen'));
    $('nothing').hidden = visible.length > 0;
    if ($('differ')) $('differ').setAttribute('aria-pressed', String(!!state.differ));
  };
  const move = (by) => {
    if (!visible.length) return;
    at = Math.min(visible.length - 1, Math.max(0, at + by));
    for (const row of document.querySelectorAll('tr.at')) row.classList.remove('at');
    const row = document.querySelector('tr.row[data-place="' + at + '"]');
    row.classList.add('at');
    row.querySelector('a').focus({ preventScroll: true });
    row.scrollIntoView({ block: 'center' });
  };
  const open = (place) => { at = place; go({ case: index.cases[visible[place]].id, run: state.subject }); };

  // A case.
  const list = (numbers) => el('ul', {}, many(numbers).map((text) => el('li', {}, text)));
  const part = (title, numbers) => (numbers.length ? [el('h3', {}, title), list(numbers)] : []);
  const panel = (id, title, ...content) => el('section', { class: 'panel', id, 'aria-labelledby': id + '-title' }, el('h2', { id: id + '-title' }, title), ...content);
  const copy = (text, button) => {
    const done = () => { button.replaceChildren(...t('Copied', 'Kopiert')); };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => {});
  };

  const kindOf = (text) => {
    const line = text.trimStart();
    if (line.startsWith('C:') || line.startsWith('C ')) return 'c';
    if (line.startsWith('S:') || line.startsWith('S ')) return 's';
    if (line.startsWith('-- here the server deviates')) return 'd';
    if (line.startsWith('step ') || line.startsWith('connection ')) return 't';
    return 'm';
  };
  // What is fresh in each case does not make a difference.
  const likeness = (text) => text.replace(/\b(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{6,}\b/g, '#').replace(/\d\d:\d\d:\d\d|\b\d{5,}\b/g, '#');
  const align = (left, right) => {
    const a = left.map(likeness);
    const b = right.map(likeness);
    const width = b.length + 1;
    const best = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        best[i * width + j] = a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
      }
    }
    const rows = [];
    let [i, j, from] = [0, 0, 0];
    const flush = (lefts, rights) => { for (let k = 0; k < Math.max(lefts.length, rights.length); k++) rows.push([lefts[k], rights[k], false]); };
    let [lefts, rights] = [[], []];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        flush(lefts, rights);
        [lefts, rights] = [[], []];
        rows.push([left[i++], right[j++], true]);
      } else if (j >= b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) lefts.push(left[i++]);
      else rights.push(right[j++]);
    }
    flush(lefts, rights);
    return rows;
  };
  const transcript = (seen) => {
    const own = many(seen.transcript);
    if (!own.length) return el('p', {}, t('Nothing: the case was not run.', 'Nichts: der Fall lief nicht.'));
    const cell = (text, kind) => el('td', { class: text === undefined ? '' : kindOf(text) + ' has' }, text === undefined ? '' : text);
    if (seen.control === null) return el('table', { class: 'talk' }, el('tbody', {}, own.map((text) => el('tr', {}, cell(text)))));
    const control = block('control-' + seen.control);
    return el('table', { class: 'talk beside' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('this case', 'dieser Fall')),
        el('th', { scope: 'col' }, t('its control, without the deviation', 'seine Kontrolle, ohne die Abweichung'), ' ', el('span', { class: 'chip ' + (control.verdict === 'PASS' || control.verdict === 'RECORDED' ? 'good' : 'open') }, control.verdict)))),
      el('tbody', {}, align(own, many(control.transcript)).map(([left, right, same]) => el('tr', { class: same ? 'same' : 'only' }, cell(left), cell(right)))));
  };

  const octets = (text) => {
    const out = [];
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== '\\') { out.push(text.charCodeAt(i)); continue; }
      const next = text[++i];
      if (next === 'r') out.push(13);
      else if (next === 'n') out.push(10);
      else if (next === 'x') { out.push(parseInt(text.slice(i + 1, i + 3), 16)); i += 2; }
      else out.push(next.charCodeAt(0));
    }
    return out;
  };
  const dump = (all) => {
    const width = matchMedia('(max-width: 46rem)').matches ? 8 : 16;
    const lines = [];
    for (let from = 0; from < all.length; from += width) {
      const some = all.slice(from, from + width);
      const hex = some.map((it) => it.toString(16).padStart(2, '0')).join(' ').padEnd(width * 3 - 1);
      lines.push(from.toString(16).padStart(4, '0') + '  ' + hex + '  ' + some.map((it) => (it >= 32 && it < 127 ? String.fromCharCode(it) : '·')).join(''));
    }
    return lines.join('\n');
  };
  const carried = [t('in clear', 'im Klartext'), t('inside TLS', 'in TLS'), t('records of TLS', 'TLS-Datensätze')];
  const chunk = ([when, client, layer, lines, more]) => {
    const all = octets(many(lines).join(''));
    return el('div', { class: 'chunk ' + (client ? 'client' : 'server') },
      el('p', {}, el('b', {}, client ? t('client', 'Client') : t('server', 'Server')), ' · ', carried[layer].map((it) => it.cloneNode(true)), ' · ' + when + ' ms · ', t(all.length + ' octets', all.length + ' Oktette'),
        more ? t(', ' + more + ' more left out', ', ' + more + ' weitere ausgelassen') : null),
      el('pre', { tabindex: '0' }, dump(all)));
  };
  const lazily = (title, fill) => {
    const it = el('details', {}, el('summary', {}, title));
    it.addEventListener('toggle', () => { if (it.open && it.childElementCount === 1) it.append(...fill()); });
    return it;
  };
  const wire = (connections, more) => connections.map((it) => lazily(
    t('Connection ' + it.id + ' to ' + strings(it.to), 'Verbindung ' + it.id + ' zu ' + strings(it.to)),
    () => [el('div', { class: 'bytes' }, it.chunks.map(chunk), it.more ? el('p', {}, t(it.more + ' octets were left out; `--evidence` keeps all.', it.more + ' Oktette wurden ausgelassen; `--evidence` behält alle.')) : null)]))
    .concat(more ? [el('p', {}, t(more + ' more connections', more + ' weitere Verbindungen'))] : []);
  const tls = (connections) => connections.filter((it) => it.tls.length).map((it) => [
    el('h3', {}, t('Connection ' + it.id + ' to ' + strings(it.to), 'Verbindung ' + it.id + ' zu ' + strings(it.to))),
    el('dl', {}, it.tls.map(([label, value]) => [el('dt', {}, strings(label)), el('dd', {}, strings(value))])),
  ]).flat();

  const check = (it) => el('li', {},
    el('span', { class: 'chip ' + (it.held === 'broken' ? (it.level === 'SHOULD' || it.level === 'MAY' || it.level === 'INTEROP' ? 'open' : 'failed') : it.held === 'held' ? 'good' : '') },
      it.held === 'broken' ? t('broken', 'verletzt') : it.held === 'held' ? t('held', 'gehalten') : t('not observable', 'nicht zu sehen')), ' ',
    el('b', {}, it.level), ' ', strings(it.message), ' ', el('code', {}, strings(it.name)), it.clause !== null ? ' (' + strings(it.clause) + ')' : null,
    it.evidence.map(([when, connection, what]) => el('div', { class: 'evidence' }, when + ' ms' + (connection ? ', ' + (german() ? 'Verbindung ' : 'connection ') + connection : '') + '  ' + strings(what))));
  const checks = (seen) => {
    const told = seen.findings.filter((it) => it.held !== 'held');
    const held = seen.findings.filter((it) => it.held === 'held');
    return [
      told.length ? el('ul', { class: 'findings-list' }, told.map(check)) : el('p', {}, t('Nothing was seen broken.', 'Nichts war verletzt.')),
      held.length ? lazily(t(held.length + ' checks held', held.length + ' Prüfungen gehalten'), () => [el('ul', { class: 'findings-list' }, held.map(check))]) : null,
    ];
  };

  const drawCase = () => {
    const number = numbers.get(state.case);
    const row = index.cases[number];
    const it = block('case-' + number);
    let run = state.run === '' ? -1 : Number(state.run);
    if (!it.runs[run]) run = Math.max(0, row.cells.findIndex((cell) => cell && cell.class === 'failed'));
    if (!it.runs[run]) run = it.runs.findIndex(Boolean);
    const seen = it.runs[run];
    const cell = row.cells[run];
    const place = visible.indexOf(number);
    const step = (by) => el('button', { type: 'button', disabled: !visible[place + by] && visible[place + by] !== 0, on: { click: () => open(place + by) } },
      by < 0 ? t('← Previous', '← Voriger') : t('Next →', 'Nächster →'));
    const again = strings(seen.again);
    const heading = el('h1', { tabindex: '-1', id: 'case-title' }, row.title);
    const link = el('button', { type: 'button', class: 'push', on: { click: () => copy(location.href, link) } }, t('Copy link', 'Link kopieren'));
    const repeat = el('button', { type: 'button', on: { click: () => copy(again, repeat) } }, t('Copy', 'Kopieren'));
    $('case').replaceChildren(...[
      el('div', { class: 'path' }, el('button', { type: 'button', id: 'back', on: { click: back } }, t('← All cases', '← Alle Fälle')),
        place >= 0 && step(-1), place >= 0 && step(1), place >= 0 && el('span', {}, place + 1 + ' / ' + visible.length), link),
      heading, el('div', { class: 'id' }, row.id),
      el('div', { class: 'meta' }, el('span', { class: 'chip ' + (row.severity === 'critical' || row.severity === 'high' ? 'failed' : row.severity === 'medium' ? 'open' : '') }, word(row.severity)),
        el('span', { class: 'chip' }, word(row.kind)), el('span', { class: 'chip' }, word(it.frequency)), row.protocols.map((name) => el('span', { class: 'chip' }, name.toUpperCase())),
        it.covers ? el('span', {}, el('code', {}, it.covers)) : null),
      several ? el('div', { class: 'tabs', role: 'tablist' }, index.runs.map((subject, other) => el('button', {
        type: 'button', role: 'tab', 'aria-selected': String(other === run), disabled: !it.runs[other], on: { click: () => go({ run: String(other) }, true) },
      }, subject.name, several && subject.version !== subject.name ? el('small', {}, subject.version) : null, chip(row.cells[other])))) : null,
      el('section', { class: 'panel', id: 'verdict' }, el('p', { class: 'reason' }, chip(cell), ' ', cell.reason),
        seen.expected ? el('p', {}, el('b', {}, t('Expected: ', 'Erwartet: ')), seen.expected) : null,
        seen.warnings.length ? list(seen.warnings) : null,
        el('p', {}, el('b', {}, t('Why it matters. ', 'Warum es wichtig ist. ')), strings(it.why)),
        it.diagnosis ? [el('p', {}, el('b', {}, t('What its user should be told:', 'Was dem Benutzer zu sagen ist:'))),
          el('p', { class: 'told', id: 'diagnosis' }, t(strings(it.diagnosis[2]), strings(it.diagnosis[3]))),
          el('p', {}, t('Who can act then: ' + strings(it.diagnosis[0]) + '.', 'Wer dann handeln kann: ' + strings(it.diagnosis[1]) + '.'))] : null),
      el('div', { class: 'two' },
        panel('server', t('What the server did', 'Was der Server tat'), part(t('What goes wrong', 'Was schiefgeht'), it.wrong), part(t('Otherwise', 'Ansonsten'), it.server)),
        panel('good', t('What a good client does', 'Was ein gutes Programm tut'), it.good.length ? [list(it.good), part(t('What it was asked to do', 'Was es tun sollte'), it.asked)].flat() : el('p', {}, t('The records of this run are not at hand.', 'Die Aufzeichnungen dieses Laufs liegen nicht vor.')))),
      panel('did', t('What this client did', 'Was dieses Programm tat'), checks(seen)),
      panel('talk', t('On the wire', 'Auf der Leitung'), transcript(seen)),
      seen.connections.some((one) => one.tls.length) ? panel('tls', 'TLS', lazily(t('Versions, names, suites, chain, alerts', 'Versionen, Namen, Suiten, Kette, Alerts'), () => tls(seen.connections))) : null,
      seen.connections.length ? panel('octets', t('Octets', 'Oktette'), el('p', {}, t('As they were read and written; passwords and tokens are shown as *.', 'Wie sie gelesen und geschrieben wurden; Passwörter und Token stehen als * da.')), wire(seen.connections, seen.more_connections)) : null,
      it.references.length ? panel('rule', t('What it rests on', 'Worauf es beruht'), it.references.map(([citation, clause, where]) => [
        el('h3', {}, where !== null && strings(where).startsWith('https://') ? el('a', { href: strings(where), rel: 'noreferrer' }, strings(citation)) : strings(citation)),
        clause !== null ? el('blockquote', { lang: 'en' }, strings(clause)) : null,
      ]).flat()) : null,
      panel('again', t('See it again', 'Noch einmal ansehen'), el('div', { class: 'command' }, el('code', {}, again), repeat), el('p', {}, t('It took ' + seen.took + '.', 'Es dauerte ' + seen.took + '.'))),
    ].flat().filter(Boolean));
    return heading;
  };

  let scroll = 0;
  let shown = '';
  const back = () => go({ case: '', run: '' });
  const show = () => {
    if (state.lang) speak(state.lang);
    draw();
    const is = numbers.has(state.case);
    const was = shown;
    shown = is ? state.case : '';
    if (is && !was) scroll = window.scrollY;
    $('report').hidden = is;
    $('case').hidden = !is;
    if (is) {
      const heading = drawCase();
      document.title = state.case + ' – mailproof';
      if (was !== state.case) { window.scrollTo({ top: 0, behavior: 'instant' }); heading.focus({ preventScroll: true }); }
    } else if (was) {
      $('case').replaceChildren();
      document.title = title;
      window.scrollTo({ top: scroll, behavior: 'instant' });
      const row = document.querySelector('tr.row[data-place="' + visible.indexOf(numbers.get(was)) + '"]');
      if (row) { at = Number(row.dataset.place); row.classList.add('at'); row.querySelector('a').focus({ preventScroll: true }); }
    }
  };

  // Controls and keys.
  const keep = (key, value) => { try { localStorage.setItem('mailproof-' + key, value); } catch { /* the page works without */ } };
  const kept = (key) => { try { return localStorage.getItem('mailproof-' + key) || ''; } catch { return ''; } };
  const speak = (lang) => {
    document.documentElement.dataset.lang = lang;
    document.documentElement.lang = lang;
    $('language').textContent = lang === 'de' ? 'EN' : 'DE';
    $('language').setAttribute('aria-label', lang === 'de' ? 'English' : 'Deutsch');
  };
  const paint = (theme) => { if (theme) document.documentElement.dataset.theme = theme; };
  $('language').addEventListener('click', () => {
    const lang = german() ? 'en' : 'de';
    speak(lang);
    keep('lang', lang);
    go({ lang: lang === 'de' ? 'de' : '' }, true);
  });
  $('theme').addEventListener('click', () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
    paint(dark ? 'light' : 'dark');
    keep('theme', document.documentElement.dataset.theme);
  });
  $('print').addEventListener('click', () => window.print());
  $('keys').addEventListener('click', () => $('help').showModal());
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details.finding:not([open]), details.other:not([open])')];
    for (const it of opened) it.open = true;
  });
  addEventListener('afterprint', () => { for (const it of opened) it.open = false; });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
    const field = event.target.closest('input, select, textarea');
    if (event.key === 'Escape') {
      if (field) field.blur();
      else if (shown) back();
      return;
    }
    if (field) {
      if (event.key === 'Enter' || (event.key === 'ArrowDown' && field.id === 'search')) { event.preventDefault(); at = -1; move(1); }
      return;
    }
    const inRows = event.target.closest('#rows');
    const by = event.key === 'j' || (inRows && event.key === 'ArrowDown') ? 1 : event.key === 'k' || (inRows && event.key === 'ArrowUp') ? -1 : 0;
    if (by) {
      event.preventDefault();
      const place = visible.indexOf(numbers.get(shown));
      if (!shown) move(by);
      else if (place + by >= 0 && place + by < visible.length) open(place + by);
    } else if (event.key === '/') {
      event.preventDefault();
      if (shown) back();
      $('search').focus();
      $('search').select();
      $('matrix').scrollIntoView();
    } else if (event.key === '?') $('help').showModal();
  });
  addEventListener('popstate', () => { state = fromAddress(); show(); });

  const title = document.title;
  build();
  state = fromAddress();
  paint(kept('theme'));
  speak(state.lang || kept('lang') || 'en');
  show();
})();
