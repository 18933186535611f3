/** A page as two parsers of Python see it: html.parser, and expat, which refuses whatever is not well-formed. */
import { spawnSync } from 'node:child_process';

export interface PageElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ParsedPage {
  readonly elements: readonly PageElement[]; // in the order of the page
  readonly text: string; // all of it, without that of <style>
}

const SCRIPT = `
import sys, json
from html.parser import HTMLParser
from xml.parsers import expat
class Html(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.inside = [], [], []
    def handle_starttag(self, name, attributes):
        self.elements.append([name, dict(attributes)]); self.inside.append(name)
    def handle_startendtag(self, name, attributes):
        self.elements.append([name, dict(attributes)])
    def handle_endtag(self, name):
        assert self.inside.pop() == name, name
    def handle_data(self, data):
        if 'style' not in self.inside: self.text.append(data)
    def handle_comment(self, data): raise ValueError('a comment: ' + data)
    def handle_pi(self, data): raise ValueError('an instruction: ' + data)
    def unknown_decl(self, data): raise ValueError('a declaration: ' + data)

def parse(page):
    html = Html()
    html.feed(page); html.close()
    assert html.inside == [], html.inside

    xml = Html()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: xml.handle_starttag(name.lower(), {k.lower(): v for k, v in attributes.items()})
    parser.EndElementHandler = lambda name: xml.handle_endtag(name.lower())
    parser.CharacterDataHandler = xml.handle_data
    parser.CommentHandler = xml.handle_comment
    parser.Parse(page.encode('utf-8'), True)
    assert xml.elements == html.elements, 'the parsers see different elements'
    assert ''.join(xml.text).strip() == ''.join(html.text).strip(), 'the parsers see different text'
    return {'elements': [{'name': n, 'attributes': a} for n, a in html.elements], 'text': ''.join(html.text)}

print(json.dumps([parse(page) for page in json.load(sys.stdin.buffer)]))
`;

/** @throws Error when a parser refuses the page, or they do not see the same */
export function parsePage(page: string): ParsedPage {
  return parsePages([page])[0]!;
}

/** The same of many, by one Python. */
export function parsePages(pages: readonly string[]): readonly ParsedPage[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', SCRIPT], {
    input: JSON.stringify(pages),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`python3: ${stderr}`);
  return JSON.parse(stdout);
}
