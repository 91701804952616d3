// A real OpenID provider for the tests: panva's certified `oidc-provider` with a sign-in page of its own.
//
//   node oidc-provider.mjs '{"clients": [...], "people": {"ivan": {"email": "...", "email_verified": true}}}'
//
// It prints one line, {"issuer": "http://127.0.0.1:PORT"}, and serves until its standard input closes. Each line that
// comes in there is a JSON object that replaces what it names ("people", "redirect_uris") and is answered by {}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Its notices (that it keeps nothing on disk, that it likes a newer Node) are not for those who read the tests.
console.info = console.warn = () => {};
const { default: Provider } = await import('oidc-provider');

const { port = 0, clients = [], people = {}, configuration = {} } = JSON.parse(process.argv[2] ?? '{}');
const known = { people, redirect_uris: clients.flatMap((client) => client.redirect_uris ?? []) };

const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  alg,
  use: 'sig',
  kid: `${alg}-${randomBytes(4).toString('hex')}`,
});

const server = createServer();
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: clients.map((client) => ({ ...client, redirect_uris: [`${issuer}/nowhere`] })),
  jwks: {
    keys: [
      key('rsa', { modulusLength: 2048 }, 'RS256'),
      key('ec', { namedCurve: 'P-256' }, 'ES256'),
      key('ed25519', {}, 'EdDSA'),
    ],
  },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  scopes: ['openid', 'email', 'profile', 'groups'],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'groups'],
    groups: ['groups'],
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...known.people[id] }),
  }),
  // Consent was given by the administrator: every grant is there from the start.
  async loadExistingGrant({ oidc }) {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid email profile groups');
    await grant.save();
    return grant;
  },
  ...configuration,
});

// A test learns the address it is called back at only after the provider runs.
provider.Client.prototype.redirectUriAllowed = (uri) => known.redirect_uris.includes(uri);

const escaped = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

function page(response, status, content) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><title>Sign in at the provider</title><link rel="icon" href="data:,"><main>${content}</main></html>`);
}

function form(problem) {
  const hints = Object.keys(known.people).map((login) => `<option value="${escaped(login)}">`).join('');
  return `<h1>Sign in at the provider</h1>${problem ? `<p role="alert">${escaped(problem)}</p>` : ''}
    <form method="post"><label>Login name <input name="login" list="people" autofocus></label>
    <datalist id="people">${hints}</datalist>
    <button name="answer" value="continue">Continue</button><button name="answer" value="cancel">Cancel</button></form>`;
}

async function interaction(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return page(response, 200, form());
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answers = new URLSearchParams(Buffer.concat(chunks).toString());
  if (answers.get('answer') === 'cancel') {
    const refusal = { error: 'access_denied', error_description: 'The person went away.' };
    return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  }
  const login = answers.get('login') ?? '';
  if (!Object.hasOwn(known.people, login)) return page(response, 422, form(`Nobody is called “${login}”.`));
  return provider.interactionFinished(request, response, { login: { accountId: login } });
}

const others = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return others(request, response);
  interaction(request, response).catch((error) => page(response, 400, `<h1>${escaped(error.message)}</h1>`));
});
provider.on('server_error', (_ctx, error) => console.error(error));

console.log(JSON.stringify({ issuer }));
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  Object.assign(known, JSON.parse(line));
  console.log('{}');
});
lines.on('close', () => process.exit(0));
