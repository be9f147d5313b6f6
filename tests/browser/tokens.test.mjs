// A JWT library that we did not write takes our tokens by the published keys, and nothing else.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { SignJWT, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { start } from './server.mjs';

const ADDRESS = 'anna@example.org';
const PASSWORD = 'correct horse battery';

describe('tokens, seen by jose', () => {
  let service, keys, reader, receipt;

  const post = async (path, body, token) => {
    const answer = await fetch(service.url + path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  };

  before(async () => {
    service = await start();
    keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', service.url));
    assert.equal((await post('/v1/readers', { email: ADDRESS, password: PASSWORD })).status, 202);
    const mails = await (await fetch(`${service.url}/sandbox/mail?to=${ADDRESS}`)).json();
    const token = /token=(\S+)/.exec(mails.messages.at(-1).text)[1];
    reader = (await post('/v1/readers/verify', { token })).body;
    const question = {
      article: { id: 'how-tides-work' }, receipt: true, reader: reader.access_token,
    };
    receipt = (await post('/v1/access', question, 'sk_sandbox_demo')).body.receipt;
  });
  after(async () => { await service?.stop(); });

  const asAccess = (token) => jwtVerify(token, keys, {
    issuer: service.url, audience: 'reader', typ: 'at+jwt', algorithms: ['EdDSA'],
    requiredClaims: ['iss', 'sub', 'aud', 'client_id', 'iat', 'exp', 'jti'],
  });
  const asReceipt = (token) => jwtVerify(token, keys, {
    issuer: service.url, audience: 'demo', typ: 'access-receipt+jwt', algorithms: ['EdDSA'],
  });

  it('takes an access token for its reader', async () => {
    const { payload } = await asAccess(reader.access_token);
    assert.equal(payload.sub, reader.reader.id);
    assert.equal(payload.exp - payload.iat, 15 * 60);
    assert.ok(!JSON.stringify(payload).includes('anna'), 'nothing personal');
  });

  it('takes a receipt of the same reader, and neither for the other', async () => {
    const { payload } = await asReceipt(receipt);
    assert.deepEqual(
      [payload.sub, payload.article, payload.decision, payload.exp - payload.iat],
      [reader.reader.id, 'how-tides-work', 'allow', 60],
    );
    await assert.rejects(asReceipt(reader.access_token));
    await assert.rejects(asAccess(receipt));
  });

  it('refuses what we did not sign, and so do we', async () => {
    const [header, claims] = [decodeProtectedHeader(reader.access_token), decodeJwt(reader.access_token)];
    const { privateKey } = generateKeyPairSync('ed25519');
    const own = (changes, key = privateKey, head = header) =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader(head).sign(key);
    const parts = reader.access_token.split('.');
    const none = Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url');
    const { x } = (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()).keys
      .find((key) => key.kid === header.kid);
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const forged = {
      'another key': await own({}),
      'another subject': await own({ sub: '00000000-0000-0000-0000-000000000001' }),
      'a key of its own in the header': await own({}, privateKey, {
        ...header, jwk: { kty: 'OKP', crv: 'Ed25519', x },
      }),
      'the public key as the secret of an HMAC': await own({}, Buffer.from(x, 'base64url'), {
        ...header, alg: 'HS256',
      }),
      'alg none': `${none}.${parts[1]}.`,
      'no signature': `${parts[0]}.${parts[1]}.`,
      'claims of another token': `${parts[0]}.${receipt.split('.')[1]}.${parts[2]}`,
    };
    for (const [what, token] of Object.entries(forged)) {
      await assert.rejects(asAccess(token), what);
      const me = await fetch(`${service.url}/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
      assert.equal(me.status, 401, what);
      const question = { article: { id: 'a' }, reader: token };
      const decided = await post('/v1/access', question, 'sk_sandbox_demo');
      assert.deepEqual([decided.status, decided.body.code], [401, 'invalid_reader_token'], what);
    }
  });
});
