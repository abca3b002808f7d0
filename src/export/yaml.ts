/** Reads a YAML file and checks it whole; errors name line and key. */
import { readFileSync } from "node:fs";
import { type Document, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { KomonError, usageError } from "../base/errors.ts";

/** Reads a file of this schema. Fails with what is wrong where; nothing half-read comes out. */
export function readYaml<T>(path: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new KomonError({ what: `cannot read ${path}`, why, cause });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const at = error.linePos?.[0];
    throw wrong(path, at && `line ${at.line}`, error.message.split("\n")[0].replace(/:$/, ""));
  }
  const read = schema.safeParse(plain(document, path) ?? {});
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const keys = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0]] : issue.path;
  const node = document.getIn(keys, true) ?? document.getIn(issue.path, true);
  const range = (node as { range?: [number, number, number] } | undefined)?.range;
  const line = range && `line ${lines.linePos(range[0]).line}`;
  throw wrong(path, line, `${keys.join(".") || "the file"}: ${issue.message}`);
}

/** An alias of nothing, or thousands of them, is found only here. */
function plain(document: Document.Parsed, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw wrong(path, undefined, (error as Error).message);
  }
}

function wrong(path: string, line: string | undefined, why: string): KomonError {
  return usageError(`${path}${line ? `, ${line}` : ""}: ${why}`);
}
