// Fails when src/api/gen is not what the contract generates.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const committed = "src/api/gen";
const fresh = mkdtempSync(join(tmpdir(), "turnpike-gen-"));
const read = (root) =>
  new Map(
    readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(root, name)).isFile())
      .map((name) => [name, readFileSync(join(root, name), "utf8")]),
  );

try {
  const template = readFileSync("buf.gen.yaml", "utf8").replace(
    `out: ${committed}`,
    `out: ${fresh}`,
  );
  execFileSync("buf", ["generate", "--template", template], { stdio: "inherit" });
  const [was, is] = [read(committed), read(fresh)];
  const names = new Set([...was.keys(), ...is.keys()]);
  const drifted = [...names].filter((name) => was.get(name) !== is.get(name)).toSorted();
  if (drifted.length > 0) {
    console.error(`generated code has drifted from the contract: ${drifted.join(", ")}`);
    console.error("run `npm run generate` and commit the result");
    process.exitCode = 1;
  } else {
    console.log(`${is.size} generated files match the contract`);
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
