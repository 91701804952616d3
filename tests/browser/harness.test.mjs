// An audit that finds nothing is only worth something if it would have found something.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { audit, launch, person } from './harness.mjs';

let browser, server, content;

before(async () => {
  browser = await launch();
  server = createServer((request, response) => {
    const policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'";
    const status = { '/': 403, '/gone.png': 404 }[request.url] ?? 200;
    response.writeHead(status, { 'content-type': 'text/html', 'content-security-policy': policy });
    response.end(`<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>${content}</main></html>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  await browser.close();
  server.close();
});

async function audited(html) {
  content = html;
  const page = await person(browser);
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  try {
    await audit(page);
  } finally {
    await page.context().close();
  }
}

const finds = (problem) => (error) => error.actual.some((line) => line.includes(problem)) || assert.fail(error);

test('a page in order passes, whatever its status', () => audited('<p>Nothing to see.</p>'));

test('a field without a label is found', () => assert.rejects(audited('<input>'), finds('light, 390 px: label')));

test('a page that scrolls sideways is found', () =>
  assert.rejects(audited(`<p>${'wide'.repeat(500)}</p>`), finds('dark, 1280 px: scrolls sideways')));

test('what the policy refuses is found', () =>
  assert.rejects(audited('<p style="color: red">x</p>'), finds('Content Security Policy')));

test('a file that is not there is found', () =>
  assert.rejects(audited('<img src="/gone.png" alt="gone">'), finds('404')));
