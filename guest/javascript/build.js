// Makes the component: NAME.wasm, NAME as in package.json.

import { componentize } from '@bytecodealliance/componentize-js';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

const { name } = JSON.parse(await readFile('package.json', 'utf8'));
// In a project of its own the contract is beside it; in the repository of boxoffice it is shared.
const witPath = existsSync('wit') ? 'wit' : '../../wit';
const { component } = await componentize({
    sourcePath: 'component.js',
    witPath,
    worldName: 'rules',
    // The host offers no files, network, clock or randomness of WASI's: without them the component imports nothing but the contract.
    disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
// In one step, so that a server that watches the file never reads half of it.
await writeFile(`${name}.wasm.new`, component);
await rename(`${name}.wasm.new`, `${name}.wasm`);
console.log(`${name}.wasm: ${(component.length / 1024 / 1024).toFixed(1)} MiB`);
