// Renders the same templates with nunjucks, nunjitsu and Steward, and compares byte for byte: the text, and the value where
// a template is one expression. Called by templates.sh.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const [modules, program, corpus] = process.argv.slice(2);
const load = name => require(path.join(modules, name));
const nunjucks = load('nunjucks');
const { createTemplateRenderer } = load('nunjitsu');
const yaml = load('yaml');

// Backstage's filters; every host counts as one that is configured, and is held to what all of them ask.
const bad = what => {
    throw new Error(what);
};
const parseRepoUrl = given => {
    const url = new URL(`https://${typeof given === 'string' ? given : bad('not a text')}`);
    const part = name => (url.searchParams.has(name) ? url.searchParams.get(name).replace(/^\/+|\/+$/g, '') : undefined);
    const found = { host: url.host };
    for (const name of ['owner', 'repo', 'organization', 'workspace', 'project']) {
        if (part(name) !== undefined) found[name] = part(name);
    }
    if (!found.repo || !(found.owner || found.project)) bad('repo and owner are missing');
    return found;
};
const filters = {
    parseRepoUrl,
    projectSlug: given => {
        const { owner, repo } = parseRepoUrl(given);
        return `${owner}/${repo}`;
    },
    pick: (value, key) => {
        if (value === null || value === undefined) return undefined;
        if (Object.hasOwn(Object(value), key)) return value[key];
        const steps = String(key).split(/[.[\]]/).filter(Boolean);
        return steps.reduce((found, step) => (found === null || found === undefined ? undefined : found[step]), value);
    },
    parseEntityRef: (given, defaults = {}) => {
        if (typeof given !== 'string') bad('not a text');
        const match = /^(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/.exec(given) ?? bad('no reference');
        const kind = match[1] ?? defaults.defaultKind ?? bad('no kind');
        return { kind, namespace: match[2] ?? defaults.defaultNamespace ?? 'default', name: match[3] };
    },
};

const engines = new Map();
const engineFor = ({ cookiecutter, trim, lstrip }) => {
    const key = JSON.stringify([cookiecutter, trim, lstrip]);
    if (!engines.has(key)) {
        const environment = new nunjucks.Environment(null, {
            autoescape: false,
            trimBlocks: Boolean(trim),
            lstripBlocks: Boolean(lstrip),
            ...(cookiecutter ? {} : { tags: { variableStart: '${{', variableEnd: '}}' } }),
        });
        for (const [name, filter] of Object.entries(filters)) environment.addFilter(name, filter);
        if (cookiecutter) environment.addFilter('jsonify', environment.getFilter('dump'));
        const renderer = createTemplateRenderer({
            filters: cookiecutter ? { ...filters, jsonify: value => JSON.stringify(value) } : filters,
            allowRegexExecution: true,
            cookiecutterCompat: Boolean(cookiecutter),
            trimBlocks: Boolean(trim),
            lstripBlocks: Boolean(lstrip),
        });
        engines.set(key, { environment, renderer });
    }
    return engines.get(key);
};

const attempt = work => {
    try {
        return { text: work() };
    } catch (error) {
        return { error: String(error.message) };
    }
};

// What each expression of the list sees.
const sample = {
    nothing: null, object: { b: 1, a: [1, 2], 'x.y': { z: 'deep' } }, text: 'Abc dEf', zero: 0, half: 1.5, empty: [], none_in: {},
    yes: true, no: false, list: ['b', 'a', 'c'], numbers: [3, 1, 10, 2], people: [{ name: 'Bo', age: 30 }, { name: 'Al', age: 5 }],
    repo: 'github.com?owner=acme&repo=shop', ref: 'group:team/name', lines: 'a\nb\n\nc', html: '<b>"it\'s" & co</b>', emoji: 'aé😀',
};

const listed = () => {
    const text = fs.readFileSync(path.join(__dirname, 'templates.txt'), 'utf8');
    const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('//'));
    return lines.map(line => {
        const options = /^\[([a-z ]+)\] /.exec(line);
        const words = options ? options[1].split(' ') : [];
        const template = JSON.parse(`"${line.slice(options ? options[0].length : 0).replace(/\\?"/g, '\\"')}"`);
        const context = words.includes('cookiecutter') ? { cookiecutter: sample } : sample;
        return { template, context, ...Object.fromEntries(words.map(word => [word, true])) };
    });
};

// Values of all shapes, so that each expression meets some it was written for and some it was not.
const shapes = [
    'Some Name-1', '', true, false, 443, 0.5, null, undefined, ['a', 'b/c'], [], { name: 'inner', list: [1] },
    'github.com?owner=acme&repo=shop', 'group:default/team-a', 'https://github.com/acme/shop/blob/main/dir/file.yaml',
];
const paths = template => {
    const found = new Set();
    for (const match of template.matchAll(/\b(parameters|steps|user|secrets|each|values)((?:\.[A-Za-z_]\w*|\[['"][^'"]+['"]\])+)/g)) {
        const keys = [...match[2].matchAll(/\.(\w+)|\[['"]([^'"]+)['"]\]/g)].map(key => key[1] ?? key[2]);
        const method = keys.findIndex(key => ['split', 'slice', 'join', 'pop', 'trim', 'startsWith', 'length', 'replace'].includes(key));
        found.add(JSON.stringify([match[1], ...(method < 0 ? keys : keys.slice(0, method))]));
    }
    return [...found].map(key => JSON.parse(key));
};
const contexts = template => {
    const named = paths(template).sort((a, b) => a.length - b.length);
    return shapes.map((_, round) => {
        const context = { parameters: {}, steps: {}, user: {}, secrets: {} };
        named.forEach((keys, index) => {
            let place = context;
            for (const key of keys.slice(0, -1)) {
                if (place[key] === null || typeof place[key] !== 'object' || Array.isArray(place[key])) place[key] = {};
                place = place[key];
            }
            const value = shapes[(round + index) % shapes.length];
            if (value !== undefined) place[keys.at(-1)] = structuredClone(value);
        });
        return context;
    });
};
const texts = value => {
    if (typeof value === 'string') return /\$\{\{|\{%/.test(value) ? [value] : [];
    return value !== null && typeof value === 'object' ? Object.values(value).flatMap(texts) : [];
};
const fromCorpus = () => {
    const folder = path.join(corpus, 'templates');
    if (!fs.existsSync(folder)) return [];
    const found = new Set();
    for (const file of fs.readdirSync(folder).sort()) {
        for (const document of yaml.parseAllDocuments(fs.readFileSync(path.join(folder, file), 'utf8'))) {
            if (document.errors.length === 0) for (const text of texts(document.toJS())) found.add(text);
        }
    }
    return [...found].flatMap(template => contexts(template).map(context => ({ template, context })));
};

const ownList = listed();
const cases = [...ownList, ...fromCorpus()];
const ran = spawnSync(program, { input: cases.map(one => JSON.stringify(one)).join('\n'), maxBuffer: 1 << 30, encoding: 'utf8' });
if (ran.status !== 0) throw new Error(`the program ended with ${ran.status ?? ran.signal}: ${ran.stderr}`);
const answers = ran.stdout.trimEnd().split('\n').map(line => JSON.parse(line));
if (answers.length !== cases.length) throw new Error(`${cases.length} were asked, ${answers.length} answered`);

const counts = { agreed: 0, 'agreed that it is a fault': 0, 'the two judges differ': 0 };
const wrong = [];
cases.forEach((one, index) => {
    const { environment, renderer } = engineFor(one);
    const context = JSON.parse(JSON.stringify(one.context));
    const judge = attempt(() => environment.renderString(one.template, structuredClone(context)));
    const today = attempt(() => renderer.render(one.template, context));
    const value = attempt(() => renderer.renderValue(one.template, context));
    const answer = answers[index];
    const tell = (who, theirs) => wrong.push({ template: one.template, context: index < ownList.length ? '' : one.context, who, theirs, ours: answer });
    if (judge.text !== today.text) {
        counts['the two judges differ'] += 1;
        // Either is right then.
        if (answer.text !== judge.text && answer.text !== today.text) tell('both', [judge, today]);
    } else if (judge.text !== answer.text) {
        tell('text', judge.error ?? judge.text);
    } else if ('text' in value && JSON.stringify(value.text) !== JSON.stringify(answer.value)) {
        tell('value', value.text);
    } else {
        counts['error' in judge ? 'agreed that it is a fault' : 'agreed'] += 1;
    }
});
const unique = new Map(wrong.map(one => [one.template, one]));
for (const one of [...unique.values()].slice(0, 40)) console.error(JSON.stringify(one));
console.log(`${ownList.length} listed, ${cases.length - ownList.length} from the corpus: ${JSON.stringify(counts)}, ${wrong.length} wrong`);
if (ownList.length < 100 || counts.agreed < ownList.length / 2) throw new Error('too little was compared');
process.exit(wrong.length === 0 ? 0 : 1);
