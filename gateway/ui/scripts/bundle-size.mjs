// The scripts that the first page needs, gzip -9, against their limit. Read from Vite's manifest:
// the entry and the overview's route, each with everything they import statically. One chunk alone
// says nothing, because the bundler moves code between chunks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const limit = 250_000; // bytes, 1 KB = 1000 bytes
const dist = "dist";
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const firstPage = (key, chunk) =>
  chunk.isEntry === true || key.startsWith("src/routes/index.tsx?tsr-split=");

const starts = Object.keys(manifest).filter((key) => firstPage(key, manifest[key]));
if (starts.length < 2) {
  console.error(
    `expected the entry and the overview's route in the manifest, found: ${starts.join(", ")}`,
  );
  process.exit(1);
}

const seen = new Set();
const styles = new Set();
const visit = (key) => {
  if (seen.has(key)) return;
  seen.add(key);
  for (const css of manifest[key].css ?? []) styles.add(css);
  for (const next of manifest[key].imports ?? []) visit(next);
};
starts.forEach(visit);

const size = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const rows = [...seen]
  .map((key) => ({ file: manifest[key].file, bytes: size(manifest[key].file) }))
  .toSorted((a, b) => b.bytes - a.bytes);
const total = rows.reduce((sum, row) => sum + row.bytes, 0);
const css = [...styles].reduce((sum, file) => sum + size(file), 0);

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} KB`;
for (const row of rows) console.log(`${kilobytes(row.bytes)}  ${row.file}`);
console.log(`${kilobytes(total)}  scripts of the first page, gzip (limit ${limit / 1000} KB)`);
console.log(`${kilobytes(css)}  its style sheets, gzip (no limit)`);
if (total > limit) {
  console.error("the first page's scripts are over the limit: load something lazily");
  process.exit(1);
}
