// An OpenID provider on loopback, with one user who says yes at once.
//
//   node server.mjs REDIRECT_URI…
//
// When it listens it prints one line of JSON: {"issuer":"http://127.0.0.1:PORT"}. It ends with its
// standard input. Clients: `body` and `basic`, with the secret `peer-secret` in that place.
// Refresh tokens are good once; one that is sent again ends its grant.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

// Standard output is for the one line.
console.log = console.info = console.error;

const server = createServer((request, response) => handle(request, response));
let handle;

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(process.argv.slice(2)));
  const callback = provider.callback();
  handle = (request, response) =>
    request.url.startsWith('/interaction/')
      ? provider.interactionFinished(request, response, { login: { accountId: 'user' } })
      : callback(request, response);
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});

process.stdin.resume().on('end', () => process.exit(0));

function configuration(redirectUris) {
  const client = (id, place) => ({
    client_id: id,
    client_secret: 'peer-secret',
    token_endpoint_auth_method: place,
    redirect_uris: redirectUris,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return {
    clients: [client('body', 'client_secret_post'), client('basic', 'client_secret_basic')],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      revocation: { enabled: true },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), use: 'sig', kid: 'peer' }] },
    loadExistingGrant: grant,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    routes: { authorization: '/authorize', revocation: '/revoke', token: '/token', userinfo: '/me' },
    scopes: ['openid', 'read', 'write'],
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 3600, RefreshToken: 3600, Session: 3600 },
  };
}

// What is asked for is granted, without a question.
async function grant({ oidc }) {
  const granted = new oidc.provider.Grant({
    accountId: oidc.session.accountId,
    clientId: oidc.client.clientId,
  });
  granted.addOIDCScope([...oidc.requestParamScopes].join(' '));
  await granted.save();
  return granted;
}
