import { html } from './html.ts';

/**
 * Colours of programs are those of Okabe and Ito, which colour-blind people tell apart; text has a contrast of at least
 * 4.5 on its ground (WCAG 2.1, 1.4.3). Widths of columns belong to the tables; charts stretch.
 */
export const STYLE = html`<style>
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2126; --soft: #59636e; --line: #dfe3e8; --track: #eef1f4;
  --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #d55e00; --c5: #56b4e9; --others: #929ba5; --none: #cbd1d8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181c; --ink: #e4e8ec; --soft: #9aa5b1; --line: #2b323a; --track: #20262c;
    --c0: #3d9bd6; --c1: #e8ab1f; --c2: #23b58b; --c3: #d58fb6; --c4: #e5763a; --c5: #86ccf2; --others: #77828d; --none: #4a545e; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 3rem 1.5rem 4rem; max-width: 66rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 3.5rem 0 0.4rem; font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
h3 { margin: 2rem 0 0.4rem; font-size: 1rem; font-weight: 650; }
p { margin: 0.4rem 0; max-width: 46rem; }
.soft, .none, footer { color: var(--soft); }
.lead { margin-top: 1rem; font-size: 1.125rem; }
code, .code { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.8125rem; }
code { overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1.25rem 1.5rem; margin: 2rem 0 0; padding: 0; }
.figures div { border-top: 2px solid var(--ink); padding-top: 0.5rem; }
.figures dt { color: var(--soft); font-size: 0.8125rem; }
.figures dd { margin: 0; font-size: 1.5rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures dd small { display: block; color: var(--soft); font-size: 0.8125rem; font-weight: 400; line-height: 1.5; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; margin: 0.75rem 0 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0 0.4rem 1.25rem; text-align: left; vertical-align: top; font-weight: 400; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
thead th { color: var(--soft); font-size: 0.8125rem; vertical-align: bottom; white-space: nowrap; border-bottom-color: var(--soft); }
tbody th { overflow-wrap: anywhere; min-width: 8rem; }
td.text, td.code { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.bar, th.bar { width: 24%; min-width: 5rem; }
td.bar { padding-top: 0.75rem; }
td.word { white-space: nowrap; }
.strip rect { stroke: var(--ground); stroke-width: 2; vector-effect: non-scaling-stroke; }
tr.others th, tr.others td { color: var(--soft); }
tr.total th, tr.total td { font-weight: 600; }
td small, th small { display: block; color: var(--soft); font-size: 0.8125rem; overflow-wrap: anywhere; }
svg { display: block; width: 100%; }
svg.bar { height: 0.55rem; background: var(--track); }
svg.strip { height: 1.5rem; margin: 1rem 0 0.25rem; background: var(--track); }
svg.key { width: 0.7rem; height: 0.7rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0.75rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
.legend li { display: flex; align-items: center; gap: 0.4rem; overflow-wrap: anywhere; }
.plot { display: grid; grid-template-columns: max-content 1fr; gap: 0 0.75rem; margin-top: 1.25rem; }
.stacks { height: 15rem; border-bottom: 1px solid var(--soft); }
.stacks line { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.y { display: flex; flex-direction: column; justify-content: space-between; height: 16.2rem; margin: -0.6rem 0; text-align: right; }
.x { grid-column: 2; position: relative; height: 1.5rem; margin-top: 0.35rem; }
.x span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.x, .y { color: var(--soft); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.lanes { margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
.lanes li { display: grid; grid-template-columns: minmax(0, 22rem) 1fr; gap: 1rem; align-items: center; padding: 0.15rem 0; }
.lanes .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lane { height: 0.9rem; background: var(--track); }
.lanes-x { margin-left: min(23rem, 100%); }
.c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); } .c4 { fill: var(--c4); }
.c5 { fill: var(--c5); } .c-others { fill: var(--others); } .c-none { fill: var(--none); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 0.875rem; }
@media (max-width: 44rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  h2 { margin-top: 2.5rem; }
  .wide { display: none; }
  .figures { grid-template-columns: 1fr 1fr; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 0.5rem; }
  .lanes li { grid-template-columns: 1fr; gap: 0.1rem; }
  .lanes-x { margin-left: 0; }
  th, td { padding-left: 0.75rem; }
  .x span:nth-child(even) { visibility: hidden; }
}
@media print {
  :root { --ground: #fff; --ink: #000; --soft: #444; --line: #ccc; --track: #eee; }
  body { max-width: none; padding: 0; font-size: 0.8rem; }
  h2, h3 { break-after: avoid; }
  tr, .plot, .lanes li, .figures { break-inside: avoid; }
  .scroll { overflow: visible; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>
`;
