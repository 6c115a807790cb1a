import { useForm, type UseFormReturnType } from "@mantine/form";
import { useRef, useState, type FormEvent, type ReactNode } from "react";
import { explain, fieldPath, problemSentence } from "~/api/errors";
import type { Problems } from "~/lib/rules";
import { Words } from "./words";

/** `display_name` is `displayName` in the form. */
const camel = (path: string) =>
  path.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/**
 * The form's field for a path in the request: without the message's own name, in camel case.
 * `aliases` name what is called or nested otherwise; undefined belongs at the head of the form.
 */
export function formField(
  path: string,
  known: (field: string) => boolean,
  aliases: Readonly<Record<string, string>> = {},
): string | undefined {
  const bare = camel(path.replace(/^(client|resource_server|grant|team)\.(?=.)/, ""));
  for (const candidate of [bare, camel(path)]) {
    const parts = candidate.split(".");
    // `scopes.3` belongs to `scopes` where the form keeps it as one field.
    for (let length = parts.length; length > 0; length -= 1) {
      const field = parts.slice(0, length).join(".");
      const name = aliases[field] ?? field;
      if (known(name)) return name;
    }
  }
  return undefined;
}

export interface ServerForm<Values extends Record<string, unknown>> {
  readonly form: UseFormReturnType<Values>;
  /** An error that belongs to no field. */
  readonly error: unknown;
  readonly busy: boolean;
  /** Props of one field: value, error, and asking the server when it loses the focus. */
  readonly field: (path: string) => ReturnType<UseFormReturnType<Values>["getInputProps"]>;
  /** The problem of a field that is no plain input. */
  readonly problem: (path: string) => ReactNode;
  /** Asks the server, and shows the problems of the fields the user has been in. */
  readonly check: (path: string) => void;
  readonly submit: (event: FormEvent<HTMLFormElement>) => void;
  readonly isDirty: () => boolean;
  /** Called where the saving goes on elsewhere, such as in a dialog: leaving loses nothing any more. */
  readonly release: () => void;
}

/**
 * A form whose rules the server knows: leaving a field asks it with `validate_only`, and what it says
 * stands at the fields it belongs to. The server is not asked about what breaks one of the obvious `rules`.
 */
export function useServerForm<Values extends Record<string, unknown>>({
  initialValues,
  rules,
  validate,
  save,
  aliases = {},
  existsField,
}: {
  initialValues: Values;
  /** What is wrong with the values, as far as the browser can tell: by path in the request. */
  rules: (values: Values) => Problems;
  /** The call with `validate_only` set. */
  validate: (values: Values) => Promise<unknown>;
  /** The call itself, and what follows it; false if nothing has been saved yet. */
  save: (values: Values) => Promise<boolean>;
  aliases?: Readonly<Record<string, string>>;
  /** The field whose value is taken when the server answers ALREADY_EXISTS. */
  existsField?: string;
}): ServerForm<Values> {
  const form = useForm<Values>({ mode: "controlled", initialValues });
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const visited = useRef(new Set<string>());
  const saved = useRef(false);
  const asked = useRef(0);
  const element = useRef<HTMLFormElement>(null);

  const known = (path: string): boolean => {
    let value: unknown = form.getValues();
    for (const part of path.split(".")) {
      if (typeof value !== "object" || value === null || !(part in value)) return false;
      value = (value as Record<string, unknown>)[part];
    }
    return true;
  };

  /** Sentences by form field, and whether something is left for the head of the form. */
  const place = (problems: Readonly<Record<string, string>>) => {
    const errors: Record<string, ReactNode> = {};
    let stray = false;
    for (const [path, problem] of Object.entries(problems)) {
      const field = formField(path, known, aliases);
      if (field === undefined) stray = true;
      else errors[field] ??= <Words text={problem} />;
    }
    return { errors, stray };
  };

  const sort = (cause: unknown) => {
    const fault = explain(cause);
    if (fault.kind === "exists" && existsField !== undefined) {
      return { errors: { [existsField]: <Words text={fault.message} /> }, stray: false };
    }
    const { errors, stray } = place(fault.fields);
    return { errors, stray: stray || Object.keys(fault.fields).length === 0 };
  };

  /** What breaks an obvious rule, by form field; undefined if nothing does. */
  const slips = (): Record<string, ReactNode> | undefined => {
    const found = Object.entries(rules(form.getValues())).flatMap(([path, words]) =>
      words === undefined ? [] : [[fieldPath(path), problemSentence(path, words)] as const],
    );
    return found.length === 0 ? undefined : place(Object.fromEntries(found)).errors;
  };

  const ask = async () => {
    asked.current += 1;
    const mine = asked.current;
    let errors = slips();
    try {
      if (errors === undefined) await validate(form.getValues());
    } catch (cause) {
      // While typing only the fields' problems are of interest; the rest shows on submit.
      ({ errors } = sort(cause));
    }
    if (mine !== asked.current) return;
    const seen = (field: string) =>
      [...visited.current].some(
        (one) => one === field || field.startsWith(`${one}.`) || one.startsWith(`${field}.`),
      );
    form.setErrors(
      Object.fromEntries(Object.entries(errors ?? {}).filter(([field]) => seen(field))),
    );
  };

  const refuse = (errors: Record<string, ReactNode>) => {
    for (const field of Object.keys(errors)) visited.current.add(field);
    form.setErrors(errors);
    requestAnimationFrame(() =>
      element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus(),
    );
  };

  const run = async () => {
    asked.current += 1;
    setError(undefined);
    const wrong = slips();
    if (wrong !== undefined) return refuse(wrong);
    setBusy(true);
    try {
      // Before the call: what follows it may leave the page.
      saved.current = true;
      saved.current = await save(form.getValues());
    } catch (cause) {
      saved.current = false;
      const { errors, stray } = sort(cause);
      if (stray) setError(cause);
      refuse(errors);
    } finally {
      setBusy(false);
    }
  };

  const check = (path: string) => {
    visited.current.add(path);
    void ask();
  };

  return {
    form,
    error,
    busy,
    check,
    problem: (path) => form.errors[path],
    field: (path) => {
      const props = form.getInputProps(path);
      const inner: unknown = props.onBlur;
      return {
        ...props,
        onBlur: (event: unknown) => {
          if (typeof inner === "function") inner(event);
          // An empty field that was only passed through is not a mistake yet.
          if (form.isDirty(path) || visited.current.has(path)) check(path);
        },
      };
    },
    submit: (event) => {
      event.preventDefault();
      element.current = event.currentTarget;
      void run();
    },
    isDirty: () => !saved.current && form.isDirty(),
    release: () => {
      saved.current = true;
    },
  };
}
