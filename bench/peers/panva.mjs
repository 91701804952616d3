// Whole sign-ins, one after the other, through panva's certified `oidc-provider`, by a scripted browser that forgets its
// cookies each time: first with a bare script as the client, then with Vestibule. Prints rows of a table.
//
//   node bench/peers/panva.mjs PROGRAM SECONDS NAME=DATABASE_URL...
import { spawn, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [program, seconds, ...databases] = process.argv.slice(2);
const PEOPLE = 200;
const secret = randomBytes(24).toString('base64url');
const nowhere = 'http://127.0.0.1:1/callback';
const folder = mkdtempSync(join(tmpdir(), 'panva-'));
const people = Object.fromEntries(Array.from({ length: PEOPLE }, (_, n) =>
  [`p${n}`, { email: `p${n}@acme.example`, email_verified: true, name: `Person ${n}` }]));

const provider = spawn('node', ['tests/peers/oidc-provider.mjs', JSON.stringify({
  clients: [{ client_id: 'vestibule', client_secret: secret, redirect_uris: [nowhere] }], people,
})], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: provider.stdout })[Symbol.asyncIterator]();
const { issuer } = JSON.parse((await lines.next()).value);

/** A browser: cookies by host, no redirect followed by itself. */
class Browser {
  jars = {};

  async go(address, form) {
    const { host } = new URL(address);
    const jar = (this.jars[host] ??= new Map());
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    const answer = await fetch(address, form
      ? { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams(form) }
      : { redirect: 'manual', headers });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    await answer.arrayBuffer();
    const onwards = answer.headers.get('location');
    return { status: answer.status, onwards: onwards && new URL(onwards, address).href };
  }

  /** From the provider's first page to the way back, as this person. */
  async signIn(question, person) {
    const { onwards: page } = await this.go(question);
    await this.go(page);
    const { onwards: resumed } = await this.go(page, { login: person, answer: 'continue' });
    return (await this.go(resumed)).onwards;
  }
}

/** Sign-ins for so many seconds; answers how long each took, in milliseconds. */
async function measured(signIn) {
  for (let n = 0; n < 20; n++) await signIn(`p${n}`);
  const times = [];
  const begun = performance.now();
  while (performance.now() - begun < seconds * 1000) {
    const one = performance.now();
    await signIn(`p${times.length % PEOPLE}`);
    times.push(performance.now() - one);
  }
  return times;
}

function row(what, times) {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (percent) => sorted[Math.floor(sorted.length * percent / 100)].toFixed(1);
  const rate = 1000 * times.length / times.reduce((sum, time) => sum + time, 0);
  console.log(`| ${what} | ${rate.toFixed(0)}/s, p50 ${at(50)} ms, p99 ${at(99)} ms |`);
}

async function bare(person) {
  const verifier = randomBytes(32).toString('base64url');
  const question = new URLSearchParams({
    client_id: 'vestibule', response_type: 'code', scope: 'openid email profile groups', redirect_uri: nowhere,
    state: 's', nonce: 'n', code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const back = await new Browser().signIn(`${issuer}/auth?${question}`, person);
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`vestibule:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code', redirect_uri: nowhere, code_verifier: verifier,
      code: new URL(back).searchParams.get('code'),
    }),
  });
  if (!(await answer.json()).id_token) throw new Error(`the provider gave no token: ${answer.status}`);
}

const free = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Vestibule on this database, with one connection to the provider. */
async function product(name, database) {
  const origin = `http://127.0.0.1:${await free()}`;
  const settings = {
    ...process.env, DATABASE_URL: database, VESTIBULE_KEY_FILE: join(folder, `${name}.key`), VESTIBULE_LISTEN: new URL(origin).host,
    VESTIBULE_OUTBOUND_ALLOW: '127.0.0.0/8', VESTIBULE_RATE_LIMIT: '0', VESTIBULE_LOG: 'error', PANVA_SECRET: secret,
  };
  const described = join(folder, `${name}.toml`);
  writeFileSync(described, `[[organization]]
slug = "acme"
name = "Acme"
contact = "it@acme.example"
  [[organization.domain]]
  name = "acme.example"
  vouched = true
  [[organization.connection]]
  slug = "panva"
  protocol = "oidc"
  issuer = "${issuer}"
  client_id = "vestibule"
  client_secret_env = "PANVA_SECRET"
  domains = ["acme.example"]
  jit = true
  state = "on"
`);
  execFileSync(program, ['apply', described], { env: settings, stdio: ['ignore', 'ignore', 'inherit'] });
  const server = spawn(program, ['serve'], { env: settings, stdio: ['ignore', 'inherit', 'inherit'] });
  let times;
  try {
    for (;;) {
      if (await fetch(`${origin}/healthz`).then((answer) => answer.ok, () => false)) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const start = `${origin}/sign-in/acme/panva`;
    const asked = (await new Browser().go(start)).onwards;
    provider.stdin.write(`${JSON.stringify({ redirect_uris: [nowhere, new URL(asked).searchParams.get('redirect_uri')] })}\n`);
    await lines.next();
    times = await measured(async (person) => {
      const browser = new Browser();
      const back = await browser.signIn((await browser.go(start)).onwards, person);
      let { status, onwards } = await browser.go(back);
      const isIn = () => [...browser.jars[new URL(origin).host].keys()].some((cookie) => cookie.endsWith('vestibule_session'));
      while (!isIn() && onwards) ({ status, onwards } = await browser.go(onwards));
      if (!isIn()) throw new Error(`${person} is not in: ${status}`);
    });
  } finally {
    server.kill();
    await once(server, 'exit');
  }
  row(`the same through Vestibule, ${name}`, times);
}

try {
  row('a bare script as the client', await measured(bare));
  for (const one of databases) {
    const [name] = one.split('=', 1);
    await product(name, one.slice(name.length + 1));
  }
} finally {
  provider.stdin.end();
  rmSync(folder, { recursive: true });
}
