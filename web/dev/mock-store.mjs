// What the mock control plane keeps, and whom it tells of changes.

export const VERSION = '0.1.0';
export const PARTS = 100_000;
export const HISTORY_SECS = 600;
const API_VERSION = 'sluice.dev/v1alpha1';
export const resources = new Map();
export const events = [];
export const traffic = new Map();
export const listeners = new Set();
let resourceVersion = 100;

export const iso = (ms = Date.now()) => new Date(ms).toISOString();
export const span = (ms) => {
  const secs = Math.floor(ms / 1000);
  return secs >= 60 ? `${Math.floor(secs / 60)}m${secs % 60 ? `${secs % 60}s` : ''}` : `${secs}s`;
};
export const key = (kind, name, environment) => `${kind}/${environment ?? ''}/${name}`;
export const percent = (parts) => `${parts / 1000} %`;

export function put(kind, name, environment, spec, status, labels = {}) {
  const now = iso();
  const resource = {
    apiVersion: API_VERSION,
    kind,
    metadata: { name, ...(environment && { environment }), labels, resourceVersion: ++resourceVersion, createdAt: now, updatedAt: now },
    spec,
    ...(status && { status }),
  };
  resources.set(key(kind, name, environment), resource);
  return resource;
}

export function send(type, data, id) {
  const text = `${id ? `id: ${id}\n` : ''}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const response of listeners) response.write(text);
}

export function changed(resource) {
  resource.metadata.resourceVersion = ++resourceVersion;
  resource.metadata.updatedAt = iso();
  send(resource.kind.toLowerCase(), resource);
}

export function log(kind, resource, text, actor = 'sluice', at = Date.now()) {
  const { name, environment = null } = resource.metadata;
  const record = {
    seq: events.length + 1, at: iso(at), kind, subject: { kind: resource.kind, environment, name },
    actor, text, data: {}, previousHash: '0'.repeat(64), hash: '0'.repeat(64),
  };
  events.push(record);
  send('log', record, record.seq);
}
