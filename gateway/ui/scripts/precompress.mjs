// Writes .br and .gz beside each compressible file of dist. Not index.html: the gateway puts a fresh
// nonce into it for each response.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = process.argv[2] ?? "dist";
const compressible = /\.(?:js|css|svg|json|webmanifest|txt)$/;

let files = 0;
for (const entry of readdirSync(dist, { recursive: true })) {
  const path = join(dist, String(entry));
  // Not the manifest either: it is for the size check, not for browsers.
  if (!statSync(path).isFile() || !compressible.test(path) || path.includes(".vite")) continue;
  const plain = readFileSync(path);
  const brotli = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  const gzip = gzipSync(plain, { level: 9 });
  // A compressed file that is no smaller would only cost the browser work.
  if (brotli.length < plain.length) writeFileSync(`${path}.br`, brotli);
  if (gzip.length < plain.length) writeFileSync(`${path}.gz`, gzip);
  files += 1;
}
console.log(`precompressed ${files} files`);
