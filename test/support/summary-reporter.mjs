/** A reporter of node:test for programs: the counts of the spec reporter, failing and skipped names, as JSON at the end. */

/** @param source events of https://nodejs.org/api/test.html#class-testsstream */
export default async function* summaryReporter(source) {
  const counts = {};
  const failing = [];
  const skipped = [];
  for await (const { type, data } of source) {
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed' && !data.todo)
      failing.push({ name: data.name, file: data.file });
    const why = data?.skip ?? data?.todo;
    if ((type === 'test:pass' || type === 'test:fail') && why !== undefined)
      skipped.push({ name: data.name, file: data.file, why: why === true ? 'no reason given' : why });
    const count = type === 'test:diagnostic' && data.nesting === 0 ? /^(\w+) (\d+)$/.exec(data.message) : null;
    if (count !== null) counts[count[1]] = Number(count[2]);
  }
  yield JSON.stringify({ counts, failing, skipped });
}
