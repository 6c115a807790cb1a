import { CopyIcon } from "./copy-button";
import classes from "./mono.module.css";

/** A key people copy: an identifier, a client id, an address. */
export function Key({ value, what }: { value: string; what: string }) {
  return (
    <span className={classes.key}>
      <code>{value}</code>
      <CopyIcon text={value} what={what} />
    </span>
  );
}

/** A scope: quiet resource server, loud name. */
export function ScopeName({ scope }: { scope: string }) {
  const at = scope.lastIndexOf("/") + 1;
  return (
    <code className={classes.scope}>
      <span>{scope.slice(0, at)}</span>
      {scope.slice(at)}
    </code>
  );
}

export function Scopes({ scopes }: { scopes: readonly string[] }) {
  return (
    <ul className={classes.scopes}>
      {scopes.map((scope) => (
        <li key={scope}>
          <ScopeName scope={scope} />
        </li>
      ))}
    </ul>
  );
}

/** A command or a snippet with its copy button. */
export function CodeBlock({
  code,
  what,
  wrap = false,
}: {
  code: string;
  what: string;
  /** Breaks its lines, where all of it should be seen at once. */
  wrap?: boolean;
}) {
  return (
    <div className={classes.block} data-wrap={wrap || undefined}>
      {/* Focusable, so that the keyboard can scroll it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={what}>
        {code}
      </pre>
      <div className={classes.copy}>
        <CopyIcon text={code} what={what} />
      </div>
    </div>
  );
}
