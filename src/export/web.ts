/** The ecosystem's web configuration file: TLS and basic authentication (exporter-toolkit's format). */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { KomonError } from "../base/errors.ts";
import type { WebConfig } from "./webConfig.ts";
import { readYaml } from "./yaml.ts";

/** SSL_OP_NO_TLSv1… of openssl/ssl.h. */
const [noTls1, noTls11, noTls12] = [0x0400_0000, 0x1000_0000, 0x0800_0000];

const webSchema = z.strictObject({
  tls_server_config: z
    .strictObject({
      cert_file: z.string(),
      key_file: z.string(),
      client_ca_file: z.string().optional(),
      client_auth_type: z
        .enum(["NoClientCert", "RequireAndVerifyClientCert"])
        .default("NoClientCert"),
      min_version: z.enum(["TLS12", "TLS13"]).default("TLS12"),
    })
    .optional(),
  basic_auth_users: z
    .record(
      z.string().min(1),
      z
        .string()
        .regex(
          /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/,
          "is no bcrypt hash; htpasswd -nBC 10 '' makes one",
        ),
    )
    .optional(),
});

/** Paths in the file are relative to it. */
export function readWebConfig(path: string): WebConfig {
  const { tls_server_config: tls, basic_auth_users: users } = readYaml(path, webSchema);
  const file = (name: string) => {
    const whole = resolve(dirname(path), name);
    try {
      return readFileSync(whole, "utf8");
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new KomonError({ what: `cannot read ${whole}, named in ${path}`, why, cause });
    }
  };
  return {
    tls: tls && {
      cert: file(tls.cert_file),
      key: file(tls.key_file),
      ...(tls.client_ca_file && { ca: file(tls.client_ca_file) }),
      ...(tls.client_auth_type === "RequireAndVerifyClientCert" && {
        requestCert: true,
        rejectUnauthorized: true,
      }),
      ...(tls.min_version === "TLS13" && { secureOptions: noTls1 | noTls11 | noTls12 }),
    },
    // $2y$ is the name that Apache gave to what others call $2b$.
    users: users && new Map(Object.entries(users).map(([u, h]) => [u, h.replace(/^\$2y/, "$2b")])),
  };
}
