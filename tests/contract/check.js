// Run by check.sh. Three contracts: our queries against GitHub's GraphQL schema, the fake's schema against the same,
// and the fake's REST answers against GitHub's OpenAPI description.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

// By path: the packages of descriptions export themselves to `import` alone, and NODE_PATH works for `require` alone.
const [modules, fakeProgram] = process.argv.slice(2);
const from = (name) => require(path.join(modules, name));
const { buildSchema, parse, validate } = from('graphql');
const Ajv = from('ajv').default;
const addFormats = from('ajv-formats').default;

const root = path.join(__dirname, '..', '..');
const faults = [];
const checked = [];

function check(what, problems) {
  checked.push(what);
  for (const problem of problems) faults.push(`${what}: ${problem}`);
}

// GitHub's own file defines a field twice now and then, so its consistency is not ours to check.
const published = buildSchema(from('@octokit/graphql-schema').schema.idl, { assumeValidSDL: true });

function checkQuery(name, text) {
  check(`query ${name}`, validate(published, parse(text)).map((error) => error.message));
}

function checkQueriesInSource() {
  const folder = path.join(root, 'src', 'github');
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.graphql'));
  if (files.length === 0) faults.push('src/github has no queries to check');
  for (const file of files) checkQuery(`src/github/${file}`, fs.readFileSync(path.join(folder, file), 'utf8'));
}

// Every type and field that the fake serves must be GitHub's, with GitHub's type and arguments.
function checkFakeSchema() {
  const file = 'tests/it/fake_github/schema.graphql';
  const fake = buildSchema(fs.readFileSync(path.join(root, file), 'utf8'));
  for (const type of Object.values(fake.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    const real = published.getType(type.name);
    if (!real) {
      faults.push(`${file}: GitHub has no type ${type.name}`);
      continue;
    }
    const problems = [];
    if (type.getFields) {
      for (const field of Object.values(type.getFields())) {
        const known = real.getFields()[field.name];
        if (!known) problems.push(`GitHub has no field ${field.name}`);
        else if (String(known.type) !== String(field.type)) problems.push(`${field.name} is ${known.type}, not ${field.type}`);
        for (const argument of field.args ?? []) {
          const expected = known?.args.find((it) => it.name === argument.name);
          if (String(expected?.type) !== String(argument.type)) {
            problems.push(`${field.name}(${argument.name}:) is ${expected?.type}, not ${argument.type}`);
          }
        }
      }
    }
    if (type.getInterfaces) {
      const known = new Set(real.getInterfaces().map((it) => it.name));
      for (const it of type.getInterfaces()) if (!known.has(it.name)) problems.push(`it is no ${it.name}`);
    }
    if (type.getValues) {
      const known = new Set(real.getValues().map((it) => it.name));
      for (const it of type.getValues()) if (!known.has(it.name)) problems.push(`it has no value ${it.name}`);
    }
    check(`type ${type.name} of the fake`, problems);
  }
}

// OpenAPI 3.0 says `nullable` where JSON Schema has a type; the rest of what ajv does not know is left out.
function toJsonSchema(schema) {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, example, examples, discriminator, xml, externalDocs, ...rest } = schema;
  const converted = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith('x-')) continue;
    // Values, and properties that happen to be named like a keyword, are not schemas.
    if (key === 'enum' || key === 'default' || key === 'required') converted[key] = value;
    else if (key === 'properties') converted[key] = Object.fromEntries(Object.entries(value).map(([name, it]) => [name, toJsonSchema(it)]));
    else converted[key] = toJsonSchema(value);
  }
  if (nullable) return { anyOf: [{ type: 'null' }, converted] };
  return converted;
}

const headers = { authorization: 'Bearer contract', 'user-agent': 'steward-contract' };

async function checkRest(url) {
  const description = from('@octokit/openapi').schemas['api.github.com.deref'];
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
  addFormats(ajv);
  // GitHub's templates, `…/git/blobs{/sha}`, are declared as strings; where they are declared as URIs they are real ones.
  const repos = '/orgs/acme/repos';
  const cases = [
    ['/rate_limit', '/rate_limit', 200],
    ['/user', '/user', 200],
    ['/orgs/{org}', '/orgs/acme', 200],
    ['/orgs/{org}', '/orgs/nobody', 404],
    ['/orgs/{org}/repos', repos, 200],
    ['/orgs/{org}/repos', `${repos}?per_page=100&page=3`, 200],
    ['/repos/{owner}/{repo}', '/repos/acme/payments-api', 200],
    ['/repos/{owner}/{repo}', '/repos/acme/nothing', 404],
    ['/repos/{owner}/{repo}/contents/{path}', '/repos/acme/payments-api/contents/catalog-info.yaml', 200],
    ['/repos/{owner}/{repo}/contents/{path}', '/repos/acme/payments-api/contents/docs', 200],
    ['/repos/{owner}/{repo}/contents/{path}', '/repos/acme/payments-api/contents/nothing.yaml', 404],
    ['/repos/{owner}/{repo}/commits', '/repos/acme/payments-api/commits?since=2020-01-01T00%3A00%3A00Z&per_page=100', 200],
    ['/repos/{owner}/{repo}/commits/{ref}', '/repos/acme/payments-api/commits/HEAD', 200],
    ['/repos/{owner}/{repo}/dependency-graph/sbom', '/repos/acme/payments-api/dependency-graph/sbom', 200],
    ['/repos/{owner}/{repo}/dependency-graph/sbom', '/repos/acme/nothing/dependency-graph/sbom', 404],
    ['/repos/{owner}/{repo}/dependency-graph/sbom/generate-report', '/repos/acme/payments-api/dependency-graph/sbom/generate-report', 201],
  ];
  for (const [template, address, status] of cases) {
    const response = await fetch(url + address, { headers });
    const body = await response.json();
    const content = description.paths[template].get.responses[status]?.content;
    const schema = content['application/json']?.schema ?? Object.values(content)[0].schema;
    const problems = [];
    if (response.status !== status) problems.push(`status ${response.status} where ${status} was expected`);
    const valid = ajv.compile(toJsonSchema(schema));
    if (!valid(body)) problems.push(...valid.errors.slice(0, 10).map((error) => `${error.instancePath || '/'} ${error.message}`));
    check(`GET ${address}`, problems);
  }
  const link = (await fetch(`${url}${repos}?per_page=100`, { headers })).headers.get('link') ?? '';
  check('Link header', /<[^>]+page=2>; rel="next"/.test(link) ? [] : [`no next page in ${link}`]);
}

// The fake must reject what GitHub rejects, or tests against it would prove nothing.
async function checkRejections(url) {
  const post = async (query, variables) => {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    return response.json();
  };
  const invalid = [
    '{ repositoryOwner(login: "acme") { nonsense } }',
    '{ repositoryOwner { login } }',
    '{ repositoryOwner(login: 3) { login } }',
    '{ repositoryOwner(login: "acme") { repositories(first: 1, orderBy: { field: AGE, direction: ASC }) { totalCount } } }',
    '{ repositoryOwner(login: "acme") { repositories(first: 1) } }',
    '{ viewer { login { x } } }',
    'query ($x: Int) { viewer { login } }',
    '{ viewer { login ...Missing } }',
    'fragment Unused on User { login } { viewer { login } }',
  ];
  for (const query of invalid) {
    const rejectedByGithub = validate(published, parse(query)).length > 0;
    const { errors, data } = await post(query);
    const problems = [];
    if (!rejectedByGithub) problems.push('the published schema accepts it');
    if (!errors || data) problems.push('the fake accepts it');
    check(`rejection of ${query}`, problems);
  }
  const { errors } = await post('{ repositoryOwner(login: "acme") { repositories(first: 101) { totalCount } } }');
  check('rejection of first: 101', errors?.[0].type === 'EXCESSIVE_PAGINATION' ? [] : ['the fake accepts it']);
}

async function main() {
  checkQueriesInSource();
  checkFakeSchema();
  const fake = spawn(fakeProgram, ['--repos', '250'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines = readline.createInterface({ input: fake.stdout });
    const url = await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      fake.once('exit', (code) => reject(new Error(`the fake ended with ${code}`)));
    });
    await checkRest(url);
    await checkRejections(url);
  } finally {
    fake.kill();
  }
  for (const what of checked) console.log(`checked ${what}`);
  for (const fault of faults) console.error(`FAULT ${fault}`);
  console.log(`${checked.length} contracts with GitHub checked, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
