/** A report as one page of HTML that needs nothing else: no script, no request; well-formed XML too. */
import type { Report, ReportRow } from '../../core/report.ts';
import { baseName, numberOf, textOf } from '../columns.ts';
import { formatSpan } from '../local-time.ts';
import { countText, formatSize } from '../size.ts';
import { attributedBytes, evidenceSection, sumSection } from './attribution-sections.ts';
import { captureSection, isOfFiles } from './capture-section.ts';
import { type Html, html } from './html.ts';
import { type PageLook, programName, share, sumOf, timeText, totalOf, zoneName } from './look.ts';
import { STYLE } from './style.ts';
import { grouped } from './table.ts';
import { flowsSection, processesSection, programsSection, remotesSection, timeSection } from './traffic-sections.ts';

export function reportPage(report: Report, look: PageLook): string {
  const title = titleOf(report);
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<meta name="generator" content="pcapid ${textOf(report.made, 'version')}"/>
<title>${title}</title>
${STYLE}</head>
<body>
<header>
<h1>${title}</h1>
${spanLine(report, look)}${filterLine(report)}<p class="lead">${leadOf(report, look)}</p>
${figures(report)}</header>
<main>
${captureSection(report, look)}${programsSection(report, look)}${timeSection(report, look)}${remotesSection(report, look)}${processesSection(report, look)}${sumSection(report)}${evidenceSection(report)}${flowsSection(report, look)}</main>
<footer>
<p>Made by pcapid ${textOf(report.made, 'version')} at ${timeText(numberOf(report.made, 'at_us'), look)} with <code>pcapid ${textOf(report.made, 'command')}</code>.
All times are ${zoneName(numberOf(report.made, 'at_us'), look)}. 1 KiB is 1024 octets; bytes are those of IP packets. A question mark behind a process means likely; behind a name, that the address was called so. Names come from the packets, nothing was looked up.</p>
</footer>
</body>
</html>
`.markup();
}

function titleOf(report: Report): string {
  const { inputs, captures } = report;
  const files = inputs.filter(({ use }) => use === 'input').map(({ path }) => baseName(path));
  if (isOfFiles(report))
    return `Traffic in ${files[0]!}${files.length > 1 ? ` and ${countText(files.length - 1, 'more file')}` : ''}`;
  const hosts = new Set(captures.rows.map((row) => textOf(row, 'host')));
  return `Traffic of ${[...hosts].join(', ') || 'no host'}`;
}

function spanLine({ range }: Report, look: PageLook): Html {
  const [from, to] = [range.from_us ?? range.first_us, range.to_us ?? range.last_us].map((us) =>
    us === null || us === undefined ? null : Number(us),
  );
  if (from === null || to === null || from === undefined || to === undefined) return html``;
  const span = to - from < 1_000_000 * 86_400 * 2 ? ` (${formatSpan(to - from)})` : '';
  return html`<p class="soft">${timeText(from, look)} to ${timeText(to, look)} ${zoneName(from, look)}${span}</p>
`;
}

function filterLine({ filter }: Report): Html {
  if (filter === null) return html``;
  return html`<p class="soft">Only flows of: <strong>${filter.text}</strong></p>
`;
}

const isEmpty = ({ filter }: Report): boolean => filter === null || numberOf(filter.captured, 'packets') === 0;

/** The answer in two sentences. */
function leadOf(report: Report, look: PageLook): string {
  const whole = sumOf(report.parts, 'ip_bytes');
  const packets = sumOf(report.parts, 'packets');
  if (packets === 0) return isEmpty(report) ? 'Nothing was captured.' : 'No flow passes the filter.';
  const top = report.programs.rows.find((row) => row.reason === null);
  const all = totalOf(report.programs, 'ip_bytes');
  const captured = report.filter?.captured;
  const part =
    captured === undefined ? '' : `, ${share(whole, numberOf(captured, 'ip_bytes'))} of all that was captured`;
  const first = `${formatSize(whole)} in ${grouped(packets)} packets${part}.`;
  if (top === undefined) return `${first} No process is known for any of it.`;
  const second = `${share(attributedBytes(report), whole)} of it has an owner that is known.`;
  return `${first} ${second} The largest share, ${share(numberOf(top, 'ip_bytes'), all)}, is that of ${programName(top, look)}.`;
}

function figures(report: Report): Html {
  const { parts, programs, remotes, processes, captures } = report;
  const whole = sumOf(parts, 'ip_bytes');
  const count = ({ rows, others }: Report['programs'], isCounted: (row: ReportRow) => boolean = () => true): string =>
    grouped(rows.filter(isCounted).length + (others === null ? 0 : numberOf(others, 'groups')));
  const drops = totalOf(captures, 'kernel_drops') + totalOf(captures, 'interface_drops');
  const isDropsKnown = captures.rows.some((row) => row.kernel_drops !== null);
  const entries: readonly (readonly [string, string, string])[] = [
    [report.filter === null ? 'Captured' : 'Chosen', formatSize(whole), `${grouped(sumOf(parts, 'packets'))} packets`],
    ['Attributed', share(attributedBytes(report), whole) || '–', 'of all bytes'],
    ['Flows', grouped(sumOf(parts, 'flows')), ''],
    ['Processes', count(processes), `of ${count(programs, (row) => row.reason === null)} programs`],
    ['Remote addresses', count(remotes), ''],
    ...(isDropsKnown ? [['Dropped', grouped(drops), 'packets'] as const] : []),
  ];
  return html`<dl class="figures">
${entries.map(
  ([
    name,
    value,
    more,
  ]) => html`<div><dt>${name}</dt><dd>${value}${more === '' ? null : html`<small>${more}</small>`}</dd></div>
`,
)}</dl>
`;
}
