import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from '../../../../src/report/html/html.ts';
import { HOSTILE_TEXTS } from '../../../support/hostile.ts';
import { parsePages } from '../../../support/parse-page.ts';

test('html`` escapes texts and numbers, in text and in attributes', () => {
  assert.equal(
    html`<p title="${'a"b'}">${"<b>&'</b>"}${5}</p>`.markup(),
    '<p title="a&quot;b">&lt;b&gt;&amp;&#39;&lt;/b&gt;5</p>',
  );
});

test('html`` puts in what it made itself, also in lists; null is nothing', () => {
  const items = ['a', '<'].map((text) => html`<li>${text}</li>`);
  assert.equal(html`<ul>${items}${null}</ul>`.markup(), '<ul><li>a</li><li>&lt;</li></ul>');
});

test('html`` shows what hides, moves or turns text, and what is no character of XML', () => {
  assert.equal(html`${'\0\u202e\u200b\n\ufffe\ud800'}`.markup(), '\\u{0}\\u{202e}\\u{200b}\\u{a}\\u{fffe}\\u{d800}');
});

test('no hostile text is anything but text for two parsers, as text and as an attribute', () => {
  const markup = ['"><img src=x onerror=alert(1)>', ']]>', '</style><!--', "' onload='x", '&#60;b>'];
  const pages = parsePages([...HOSTILE_TEXTS, ...markup].map((text) => html`<p title="${text}">${text}</p>`.markup()));
  assert.equal(pages.length, HOSTILE_TEXTS.length + markup.length);
  for (const page of pages) {
    assert.deepEqual(
      page.elements.map(({ name, attributes }) => [name, Object.keys(attributes)]),
      [['p', ['title']]],
    );
    assert.equal(page.elements[0]!.attributes.title, page.text);
  }
});

test('html`` cuts long texts, visibly', () => {
  assert.equal(html`${'<'.repeat(5000)}`.markup(), `${'&lt;'.repeat(300)}…`);
});
