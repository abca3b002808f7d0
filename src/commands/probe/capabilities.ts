import { KomonError } from "../../base/errors.ts";
import { missingCapabilities } from "../../kernel/privileges.ts";

/** Names what is missing before anything is opened. */
export function requireCapabilities(): void {
  const missing = missingCapabilities(["netRaw", "netAdmin", "bpf", "perfmon"]);
  if (missing.length === 0) return;
  throw new KomonError({
    what: "cannot probe",
    why: `this process lacks ${missing.join(", ")}`,
    mend: "run it as root, or give it these capabilities",
  });
}
